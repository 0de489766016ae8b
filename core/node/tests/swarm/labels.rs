//! Labels of a running node that change: what it tells a tracker, and what it tells by gossip.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use samara_model::{Labels, MemberRecord, PeerMessage, Place as Stands};
use samara_node::{Node, NodeConfig};
use samara_wire::label_number;

use crate::raw_peer::RawPeer;
use crate::support::{GOSSIP, TRACKER, config, found_by, start};

fn labels(rack: &str) -> Labels {
    let mut labels = Labels::default();
    labels.add(format!("rack={rack}").parse().expect("a label")).expect("room");
    labels
}

fn in_rack(rack: &str) -> Stands {
    Stands { rack: label_number(rack), ..Stands::default() }
}

/// The next announcement, answered.
fn announced(tracker: &mut RawPeer) -> Stands {
    loop {
        let message = tracker.receive().expect("the link stands");
        if let PeerMessage::Announce { place, token, .. } = message {
            let (neighbours, refused) = (vec![], vec![]);
            tracker.send(&PeerMessage::Handout { token, neighbours, refused, expires_s: 600 });
            return place;
        }
    }
}

#[test]
fn a_tracker_is_told_of_new_labels_over_the_link_that_stands() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let trackers = vec![listener.local_addr().expect("bound")];
    let node =
        start(NodeConfig { trackers, labels: labels("r1"), ..found_by(config(&[]), TRACKER) });
    let mut tracker = RawPeer::accept(&listener, 9);
    assert_eq!(announced(&mut tracker), in_rack("r1"));
    node.set_labels(&labels("r2"));
    assert_eq!(announced(&mut tracker), in_rack("r2"));
}

/// What a node says of itself to a member that asks for everything.
fn own_record(node: &Node, asker: &mut RawPeer) -> MemberRecord {
    let (members, table, releases) = (vec![], vec![], vec![]);
    asker.send(&PeerMessage::FullState { reply: true, members, table, releases });
    loop {
        let message = asker.receive().expect("the link stands");
        let PeerMessage::FullState { table, .. } = message else { continue };
        let own = table.into_iter().find(|record| record.peer == node.peer_id());
        return own.expect("a row of its own");
    }
}

#[test]
fn gossip_tells_new_labels_as_a_later_record() {
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    let node = start(NodeConfig {
        listen: address,
        labels: labels("r1"),
        ..found_by(config(&[]), GOSSIP)
    });
    let mut asker = RawPeer::dial(node.advertised(), 9);
    let before = own_record(&node, &mut asker);
    assert_eq!(before.place, in_rack("r1"));
    node.set_labels(&labels("r2"));
    node.set_labels(&labels("r2"));
    let after = own_record(&node, &mut asker);
    assert_eq!(after.place, in_rack("r2"));
    assert_eq!(after.version, before.version + 1);
}
