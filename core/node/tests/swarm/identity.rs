//! One id, one data directory, one port: each belongs to one node.

use samara_node::{Node, NodeConfig, StartError};

use crate::support::{
    Notices, Place, at_percent, config, done, fetch, publish, same_bytes, slow, start,
};

fn refused(config: NodeConfig) -> StartError {
    Node::start(config).map(|_| ()).expect_err("the node does not start")
}

#[test]
fn a_data_directory_in_use_is_named() {
    let place = Place::new();
    let data = place.folder("data");
    let kept = NodeConfig { data: Some(data.clone()), ..config(&[]) };
    let node = start(kept.clone());
    let error = refused(kept.clone());
    assert!(matches!(error, StartError::Store(_)), "{error}");
    let said = error.to_string();
    assert!(said.contains("is in use") && said.contains(&data.display().to_string()), "{said}");
    node.stop();
    start(kept);
}

#[test]
fn a_port_in_use_is_named_and_the_other_node_goes_on() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let error = refused(NodeConfig { listen: origin.local_addr(), ..config(&[]) });
    assert!(matches!(error, StartError::Bind(_)), "{error}");
    assert!(error.to_string().contains(&origin.local_addr().to_string()), "{error}");
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}

/// A node whose data directory is a copy of that of `original`.
fn copied(place: &Place, original: &str) -> NodeConfig {
    let data = place.folder("copied data");
    std::fs::create_dir(data.join("state")).expect("created");
    let key = place.path(original).join("state/identity.key");
    std::fs::copy(key, data.join("state/identity.key")).expect("copied");
    NodeConfig { data: Some(data), ..config(&[]) }
}

#[test]
fn two_nodes_with_one_id_are_told_when_they_meet() {
    let place = Place::new();
    let data = place.folder("data");
    let original = start(NodeConfig { data: Some(data), ..config(&[]) });
    let mut notices = Notices::of(&original);
    let join = vec![original.advertised()];
    let copy = start(NodeConfig { join, ..copied(&place, "data") });
    assert_eq!(copy.peer_id(), original.peer_id());
    notices.until_warned("two nodes have one id");
    notices.until_warned(&copy.peer_id().to_string());
}

#[test]
fn two_nodes_with_one_id_are_told_when_they_meet_through_another() {
    let place = Place::new();
    let data = place.folder("data");
    let hub = start(config(&[]));
    let join = vec![hub.advertised()];
    let original = start(NodeConfig { data: Some(data), join: join.clone(), ..config(&[]) });
    let copy = start(NodeConfig { join, ..copied(&place, "data") });
    let mut notices = [Notices::of(&original), Notices::of(&copy)];
    crate::support::until("one of the two is told", || {
        notices
            .iter_mut()
            .any(|each| each.all().iter().any(|notice| format!("{notice:?}").contains("same id")))
    });
}

#[test]
fn a_transfer_outlives_a_node_with_the_origins_id() {
    let place = Place::new();
    let source = place.file("source", 3 << 20);
    let data = place.folder("data");
    let origin = start(slow(NodeConfig { data: Some(data), ..config(&[]) }, 3 << 10));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let handle = fetch(&peer, content, place.path("copy"));
    at_percent(&handle, 10);
    let copy = start(NodeConfig { join: vec![peer.advertised()], ..copied(&place, "data") });
    assert_eq!(copy.peer_id(), origin.peer_id());
    assert!(handle.result().is_none(), "it was over already");
    done(&handle);
    same_bytes(&source, &place.path("copy"));
}
