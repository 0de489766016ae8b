//! What was verified is not fetched again.

use samara_node::{FetchError, Fetched, NodeConfig};

use crate::support::{
    Place, at_percent, config, done, failed, fetch, publish_as, same_bytes, slow, start,
};

const SIZE: usize = 4 << 20;
const CHUNK: u32 = 64 << 10;

fn check_only_the_rest_came(fetched: &Fetched) {
    let progress = &fetched.progress;
    assert!(!fetched.was_there);
    assert!(progress.resumed.0 * 5 >= SIZE as u64, "too little was kept: {progress:?}");
    let rest = SIZE as u64 - progress.resumed.0;
    assert!(progress.received.0 >= rest, "{progress:?}");
    // In the endgame a chunk may come twice.
    assert!(progress.received.0 <= rest + 4 * u64::from(CHUNK), "{progress:?}");
}

#[test]
fn a_cancelled_fetch_goes_on_where_it_was() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let origin = start(slow(config(&[]), 4 << 10));
    let content = publish_as(&origin, &source, "test", Some(CHUNK));
    let peer = start(config(&[origin.advertised()]));
    let first = fetch(&peer, content, place.path("copy"));
    at_percent(&first, 30);
    first.cancel();
    assert_eq!(failed(&first), FetchError::Cancelled);
    assert!(!place.path("copy").exists());
    check_only_the_rest_came(&done(&fetch(&peer, content, place.path("copy"))));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_cancelled_fetch_can_go_to_another_place() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let origin = start(slow(config(&[]), 8 << 10));
    let content = publish_as(&origin, &source, "test", Some(CHUNK));
    let peer = start(config(&[origin.advertised()]));
    let first = fetch(&peer, content, place.path("copy"));
    at_percent(&first, 30);
    first.cancel();
    assert_eq!(failed(&first), FetchError::Cancelled);
    done(&fetch(&peer, content, place.path("elsewhere")));
    same_bytes(&source, &place.path("elsewhere"));
}

#[test]
fn a_node_that_stopped_in_mid_transfer_goes_on_where_it_was() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let data = place.folder("data");
    let origin = start(slow(config(&[]), 4 << 10));
    let content = publish_as(&origin, &source, "test", Some(CHUNK));
    let kept = || NodeConfig { data: Some(data.clone()), ..config(&[origin.advertised()]) };
    let peer = start(kept());
    let first = fetch(&peer, content, place.path("copy"));
    at_percent(&first, 30);
    peer.stop();
    assert_eq!(failed(&first), FetchError::Cancelled);
    let again = start(kept());
    check_only_the_rest_came(&done(&fetch(&again, content, place.path("copy"))));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_fetch_can_be_cancelled_before_anybody_is_found() {
    let place = Place::new();
    let peer = start(config(&[]));
    let handle = fetch(&peer, samara_model::ContentId([7; 32]), place.path("copy"));
    handle.cancel();
    assert_eq!(failed(&handle), FetchError::Cancelled);
}
