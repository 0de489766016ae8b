//! Connections out of this node: one attempt per address, however many ask for it.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use samara_model::PeerId;
use tokio::sync::watch;
use tokio::time::timeout;

use super::admission::{Denied, Greeted};
use super::{DialOutcome, Inner, receive_buffer};
use crate::link::LinkRouter;
use crate::link::dial::{DialError, connect};
use crate::link::handle::LinkHandle;
use crate::link::shake::{dialler_hello, refuse, welcome};

impl<R: LinkRouter> Inner<R> {
    /// A link that serves as well as a new one to this address, or to this peer.
    pub(super) fn live(&self, address: SocketAddr, expected: Option<PeerId>) -> Option<LinkHandle> {
        let links = self.links();
        let entry = match expected {
            Some(peer) => links.get(&peer)?,
            None => links.values().find(|entry| {
                let handle = &entry.handle;
                handle.dialled && handle.remote == address
            })?,
        };
        (!entry.handle.shared.is_closed()).then(|| entry.handle.clone())
    }

    /// The running attempt at `address`, or a new one.
    pub(super) fn share_dial(
        self: &Arc<Self>,
        address: SocketAddr,
    ) -> watch::Receiver<Option<DialOutcome>> {
        let mut dials = self.dials.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = dials.get(&address) {
            return running.clone();
        }
        let (report, outcome) = watch::channel(None);
        dials.insert(address, outcome.clone());
        let inner = self.clone();
        self.runtime.spawn(async move {
            let outcome = inner.dial_until_stopped(address).await;
            inner.dials.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
            report.send_replace(Some(outcome));
        });
        outcome
    }

    async fn dial_until_stopped(self: &Arc<Self>, address: SocketAddr) -> DialOutcome {
        let limit = self.config.handshake_timeout;
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            outcome = timeout(limit, self.dial_once(address)) => outcome.unwrap_or_else(|_| {
                Err(DialError::TimedOut { address, seconds: limit.as_secs() })
            }),
            _ = stopped.wait_for(|stopped| *stopped) => Err(DialError::Shutdown { address }),
        }
    }

    async fn dial_once(self: &Arc<Self>, address: SocketAddr) -> DialOutcome {
        let mut stream = connect(address, receive_buffer(self.config.limits.all.down)).await?;
        let dial = self.next_dial.fetch_add(1, Ordering::Relaxed);
        let (ours, told) = self.hello(dial);
        let shaken = dialler_hello(&mut stream, &ours).await;
        let (hello, decoder) = shaken.map_err(|error| DialError::from_shake(address, error))?;
        let greeted = Greeted { remote: address, hello: &hello, dialled: true, dial, told };
        match self.admit(greeted) {
            Ok(admitted) => Ok(self.run(admitted, stream, welcome(), decoder)),
            Err(denied) => {
                let outcome = self.not_admitted(address, denied);
                let reason = match &outcome {
                    Ok(_) => "the two are connected already".into(),
                    Err(error) => error.to_string(),
                };
                refuse(&mut stream, &reason).await;
                outcome
            }
        }
    }

    fn not_admitted(&self, address: SocketAddr, denied: Denied) -> DialOutcome {
        match denied {
            Denied::Kept(existing) => Ok(existing),
            Denied::Full => Err(DialError::TooManyLinks { address, most: self.config.max_links }),
            Denied::Stopped => Err(DialError::Shutdown { address }),
        }
    }
}
