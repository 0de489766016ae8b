//! Gossip's datagrams: from the socket to the actor. What comes from elsewhere is dropped, and so is what does
//! not fit into the mailbox, as datagrams may be; both are counted.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use crate::gossip_actor::GossipMessage;
use crate::metrics::DatagramDrop;
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
            if let Err(why) = take(&shared, cluster, &buffer[..length], from) {
                shared.metrics.datagram_dropped(why);
            }
        }
    });
    Ok(())
}

fn take(
    shared: &Shared,
    cluster: samara_wire::ClusterHash,
    datagram: &[u8],
    from: SocketAddr,
) -> Result<(), DatagramDrop> {
    let bytes = samara_wire::unwrap_datagram(cluster, datagram)?.to_vec();
    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
    let told = shared.gossip.tell(GossipMessage::Datagram { from, bytes });
    if told { Ok(()) } else { Err(DatagramDrop::MailboxFull) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor_tests::Alone;

    fn dropped(reason: &str) -> String {
        format!("samara_datagrams_dropped_total{{reason=\"{reason}\"}}")
    }

    #[test]
    fn datagrams_from_elsewhere_are_counted_by_reason() {
        let node = Alone::new();
        let cluster = samara_wire::cluster_hash("samara");
        let ours = samara_wire::wrap_datagram(cluster, b"hello").expect("short");
        let other = samara_wire::wrap_datagram(samara_wire::cluster_hash("other"), b"hello");
        let mut newer = ours.clone();
        newer[4] += 1;
        let long = [&ours[..], &[0; 1500]].concat();
        let from = SocketAddr::from(([127, 0, 0, 1], 7300));
        let all = [
            (b"GET / HTTP/1.1".to_vec(), "not_samara"),
            (newer, "version"),
            (other.expect("short"), "other_cluster"),
            (long, "too_large"),
            // Gossip is not running here.
            (ours, "mailbox_full"),
        ];
        for (datagram, reason) in all {
            let why = take(&node.shared, cluster, &datagram, from).expect_err("it is dropped");
            node.shared.metrics.datagram_dropped(why);
            assert_eq!(node.shared.metrics.of(&dropped(reason)), Some(1), "{reason}");
        }
    }

    #[test]
    fn what_a_stranger_sends_to_the_port_is_counted() {
        let node = Alone::new();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let to = socket.local_addr().expect("it is bound");
        socket.set_nonblocking(true).expect("a socket");
        node.run(async |node| {
            start(&node.shared, &socket).expect("it reads");
            let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            stranger.send_to(b"who is there?", to).expect("sent");
            let counted = || node.shared.metrics.of(&dropped("not_samara"));
            node.until("it is counted", || counted() == Some(1)).await;
        });
    }
}
