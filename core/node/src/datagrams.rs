//! Gossip's datagrams: from the socket to the actor. What does not fit into the mailbox is lost, as
//! datagrams may be.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;

use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;

/// Larger than any datagram of ours, so that a longer one is seen as such.
const BUFFER: usize = 2048;

/// Reads the socket until the node stops.
///
/// # Errors
/// When the socket cannot be used.
pub fn start(shared: &Arc<Shared>, socket: &UdpSocket) -> io::Result<()> {
    let socket = tokio::net::UdpSocket::from_std(socket.try_clone()?)?;
    let shared = shared.clone();
    let cluster = samara_wire::cluster_hash(&shared.config.cluster);
    tokio::spawn(async move {
        let mut buffer = [0; BUFFER];
        while !shared.is_stopping() {
            // An error here is an ICMP answer to an earlier datagram: somebody is gone.
            let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
            let Ok(payload) = samara_wire::unwrap_datagram(cluster, &buffer[..length]) else {
                continue;
            };
            let bytes = payload.to_vec();
            let from = std::net::SocketAddr::new(from.ip().to_canonical(), from.port());
            shared.gossip.tell(GossipMessage::Datagram { from, bytes });
        }
    });
    Ok(())
}
