//! Connections into this node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use samara_wire::handshake::{HandshakeDecoder, HandshakeError, Hello};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::Inner;
use super::admission::{Denied, Greeted};
use crate::link::shake::{ShakeError, acceptor_hello};
use crate::link::{LinkEvent, LinkRouter};

/// Until the node stops.
pub(super) async fn accept_all<R: LinkRouter>(listener: TcpListener, inner: Arc<Inner<R>>) {
    let mut stopped = inner.stopped.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match accepted {
            Ok((stream, remote)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(inner.clone().accept(stream, unmapped(remote)));
            }
            Err(error) => {
                // Mostly no file descriptor is free; that passes.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

impl<R: LinkRouter> Inner<R> {
    async fn accept(self: Arc<Self>, mut stream: TcpStream, remote: SocketAddr) {
        let (ours, told) = self.hello(0);
        let shaking = acceptor_hello(&mut stream, &ours, |theirs| self.objection(theirs));
        let error = match timeout(self.config.handshake_timeout, shaking).await {
            Ok(Ok((hello, decoder))) => {
                return self.accept_greeted(stream, remote, (&hello, told), decoder);
            }
            Ok(Err(ShakeError::Refused(error))) => error,
            Ok(Err(ShakeError::Broken(message))) => {
                return tracing::debug!(%remote, message, "a connection ended early");
            }
            Err(_) => return tracing::debug!(%remote, "a connection said nothing"),
        };
        // A dialler that is connected already says so, and that is no fault.
        if !matches!(error, HandshakeError::Refused { .. }) {
            self.router.deliver(LinkEvent::Refused { remote, error }).await;
        }
    }

    /// What this node has against a peer that is fine by itself.
    fn objection(&self, theirs: &Hello) -> Option<String> {
        let (links, most) = (self.links(), self.config.max_links);
        let full = links.len() >= most && !links.contains_key(&theirs.peer);
        full.then(|| format!("this node has its {most} links already"))
    }

    fn accept_greeted(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        (hello, told): (&Hello, u64),
        decoder: HandshakeDecoder,
    ) {
        match self.admit(Greeted { remote, hello, dialled: false, dial: hello.dial, told }) {
            Ok(admitted) => {
                self.run(admitted, stream, Vec::new(), decoder);
            }
            Err(Denied::Full) => {
                tracing::warn!(%remote, "refused: this node has all the links it may have");
            }
            Err(_) => tracing::debug!(%remote, "a second connection to one peer is dropped"),
        }
    }
}

/// An IPv4 address that came in through a dual-stack socket, as IPv4.
fn unmapped(remote: SocketAddr) -> SocketAddr {
    SocketAddr::new(remote.ip().to_canonical(), remote.port())
}
