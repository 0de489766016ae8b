//! Nodes that stop and come back.

use samara_node::NodeConfig;

use crate::support::{
    Place, at_percent, config, done, fetch, publish, publish_as, same_bytes, slow, start, until,
};

#[test]
fn a_node_finds_its_last_peers_without_a_join_address() {
    let place = Place::new();
    let data = place.folder("data");
    let kept =
        |join: &[std::net::SocketAddr]| NodeConfig { data: Some(data.clone()), ..config(join) };
    let origin = start(config(&[]));
    let first = publish(&origin, &place.file("first", 1 << 20));
    let second_source = place.file("second source", 1 << 20);
    let second = publish_as(&origin, &second_source, "second", None);
    let peer = start(kept(&[origin.advertised()]));
    done(&fetch(&peer, first, place.path("copy1")));
    let id = peer.peer_id();
    peer.stop();
    let again = start(kept(&[]));
    assert_eq!(again.peer_id(), id);
    done(&fetch(&again, second, place.path("copy2")));
    same_bytes(&second_source, &place.path("copy2"));
}

#[test]
fn peers_go_on_when_the_origin_has_restarted() {
    let place = Place::new();
    let source = place.file("source", 3 << 20);
    let data = place.folder("data");
    let kept = || slow(NodeConfig { data: Some(data.clone()), ..config(&[]) }, 3 << 10);
    let origin = start(kept());
    let content = publish(&origin, &source);
    let listen = origin.advertised();
    let peers = [start(config(&[listen])), start(config(&[listen]))];
    let fetches = [
        fetch(&peers[0], content, place.path("copy0")),
        fetch(&peers[1], content, place.path("copy1")),
    ];
    at_percent(&fetches[0], 20);
    origin.stop();
    let before = fetches[0].progress();
    assert!(before.done < before.total, "it was over already");
    let origin = start(NodeConfig { listen, ..kept() });
    assert_eq!(publish(&origin, &source), content);
    for (at, handle) in fetches.iter().enumerate() {
        let fetched = done(handle);
        assert_eq!(fetched.progress.resumed.0, 0, "it is one and the same fetch");
        same_bytes(&source, &place.path(&format!("copy{at}")));
    }
    let again = || origin.traffic(content).expect("it serves").sent.0;
    until("the restarted origin was needed", || again() > 0);
}
