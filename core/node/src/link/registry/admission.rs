//! Which connections become links: exactly one per peer, and no more than a node may have.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use samara_wire::handshake::{HandshakeDecoder, Hello};
use samara_wire::number_labels;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Inner;
use crate::link::connection::{self, Connection};
use crate::link::counters::Counters;
use crate::link::duplicate::{Candidate, Existing, replaces};
use crate::link::handle::{COMMAND_QUEUE, CloseReason, LinkHandle, Shared};
use crate::link::standing::Standing;
use crate::link::{LinkCommand, LinkId, LinkRouter};

/// A live link, and what is needed to judge a rival.
pub(super) struct Entry {
    pub handle: LinkHandle,
    instance: u64,
    dial: u64,
    since: Instant,
}

/// Why a connection does not become a link.
pub(super) enum Denied {
    /// There is a better one already.
    Kept(LinkHandle),
    Full,
    Stopped,
}

/// A connection after both sides said `Hello`.
#[derive(Clone, Copy)]
pub(super) struct Greeted<'a> {
    pub remote: SocketAddr,
    pub hello: &'a Hello,
    pub dialled: bool,
    pub dial: u64,
    /// Which labels of this node the other side was told.
    pub told: u64,
}

/// A place in the registry, for a connection that becomes a link.
pub(super) struct Admitted {
    handle: LinkHandle,
    commands: mpsc::Receiver<LinkCommand>,
    replaces: Option<Arc<Shared>>,
}

impl<R: LinkRouter> Inner<R> {
    /// Decides whether the connection becomes a link, and enters it if so.
    pub(super) fn admit(&self, greeted: Greeted<'_>) -> Result<Admitted, Denied> {
        let Greeted { remote, hello, dialled, dial, told } = greeted;
        let here = number_labels(&self.labels.read().0).place();
        let mut links = self.links();
        if *self.stopped.borrow() {
            return Err(Denied::Stopped);
        }
        let replaced = match links.get(&hello.peer) {
            Some(rival) if rival.handle.shared.is_closed() => Some(rival.handle.shared.clone()),
            Some(rival) if !self.replaces(&greeted, rival) => {
                return Err(Denied::Kept(rival.handle.clone()));
            }
            Some(rival) => Some(rival.handle.shared.clone()),
            None if links.len() >= self.config.max_links => return Err(Denied::Full),
            None => None,
        };
        let (sender, commands) = mpsc::channel(COMMAND_QUEUE);
        let handle = LinkHandle {
            id: LinkId(self.next_link.fetch_add(1, Ordering::Relaxed)),
            peer: hello.peer,
            address: dialable(hello, remote),
            remote,
            dialled,
            shared: Shared::new(
                sender,
                Counters::within(self.counters.clone()),
                Standing::new(here, hello),
            ),
        };
        let entry =
            Entry { handle: handle.clone(), instance: hello.instance, dial, since: Instant::now() };
        links.insert(hello.peer, entry);
        drop(links);
        self.labels.catch_up(&handle, told);
        if let Some(replaced) = &replaced {
            replaced.close(CloseReason::Replaced);
        }
        Ok(Admitted { handle, commands, replaces: replaced })
    }

    fn replaces(&self, greeted: &Greeted<'_>, rival: &Entry) -> bool {
        let Greeted { hello, dialled, dial, .. } = *greeted;
        let candidate = Candidate { instance: hello.instance, dialled, dial };
        let existing = Existing {
            instance: rival.instance,
            dialled: rival.handle.dialled,
            dial: rival.dial,
            age: rival.since.elapsed(),
        };
        replaces(&candidate, &existing, &self.identity.peer, &hello.peer)
    }

    /// Starts a link. `greeting` goes out first.
    pub(super) fn run(
        self: &Arc<Self>,
        admitted: Admitted,
        stream: TcpStream,
        greeting: Vec<u8>,
        decoder: HandshakeDecoder,
    ) -> LinkHandle {
        let Admitted { handle, commands, replaces } = admitted;
        let (received, connected) = (decoder.into_rest(), handle.clone());
        let connection = Connection { stream, handle, commands, greeting, received, replaces };
        let handle = connected;
        let (inner, id, peer) = (self.clone(), handle.id, handle.peer);
        let forget = move || {
            let mut links = inner.links();
            if links.get(&peer).is_some_and(|entry| entry.handle.id == id) {
                links.remove(&peer);
            }
        };
        let (router, resources) = (self.router.clone(), self.resources.clone());
        let running = connection::run(connection, router, resources, self.config.clone(), forget);
        self.runtime.spawn(running);
        handle
    }
}

/// The peer's own word, or where it comes from with its listen port.
fn dialable(hello: &Hello, remote: SocketAddr) -> SocketAddr {
    let advertised = hello.advertise.filter(|at| !at.ip().is_unspecified() && at.port() != 0);
    advertised.unwrap_or(SocketAddr::new(remote.ip(), hello.listen_port))
}
