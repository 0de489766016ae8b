//! The same content again, several contents, several outputs, and late comers.

use samara_node::FetchError;

use crate::support::{
    Place, at_percent, config, done, failed, fetch, publish, publish_as, same_bytes, slow, start,
    until,
};

#[test]
fn a_second_fetch_finds_the_file_in_place() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    assert!(!done(&fetch(&peer, content, place.path("copy"))).was_there);
    let received = peer.traffic(content).expect("it serves").received;
    let again = done(&fetch(&peer, content, place.path("copy")));
    assert!(again.was_there);
    assert!(again.was_there);
    assert_eq!(again.output, place.path("copy"));
    assert_eq!(peer.traffic(content).expect("it serves").received, received);
}

#[test]
fn a_file_that_another_node_fetched_is_found_in_place() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    peer.stop();
    let other = start(config(&[origin.advertised()]));
    let fetched = done(&fetch(&other, content, place.path("copy")));
    assert!(fetched.was_there);
    assert_eq!(fetched.progress.received.0, 0);
}

#[test]
fn a_second_output_is_copied_and_not_fetched() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    let received = peer.traffic(content).expect("it serves").received;
    origin.stop();
    done(&fetch(&peer, content, place.path("second copy")));
    same_bytes(&source, &place.path("second copy"));
    assert_eq!(peer.traffic(content).expect("it serves").received, received);
}

#[test]
fn an_origin_can_fetch_its_own_content_to_another_place() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    done(&fetch(&origin, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_second_output_in_mid_transfer_is_refused_and_names_the_first() {
    let place = Place::new();
    let source = place.file("source", 3 << 20);
    let origin = start(slow(config(&[]), 4 << 10));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let first = fetch(&peer, content, place.path("copy"));
    at_percent(&first, 10);
    let error = failed(&fetch(&peer, content, place.path("second copy")));
    let other = place.path("copy");
    assert_eq!(error, FetchError::AlreadyFetching { content, other });
    done(&first);
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn two_fetches_of_one_content_to_one_place_are_one() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let origin = start(slow(config(&[]), 4 << 10));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let first = fetch(&peer, content, place.path("copy"));
    let second = fetch(&peer, content, place.path("copy"));
    done(&first);
    done(&second);
    same_bytes(&source, &place.path("copy"));
    let received = peer.traffic(content).expect("it serves").received.0;
    assert!(received < 3 << 20, "it came twice: {received}");
}

#[test]
fn several_contents_move_at_once_and_both_ways() {
    let place = Place::new();
    let nodes = {
        let first = start(slow(config(&[]), 8 << 10));
        let second = start(slow(config(&[first.advertised()]), 8 << 10));
        [first, second]
    };
    let mut fetches = Vec::new();
    for number in 0..4 {
        let (from, to) = (&nodes[number % 2], &nodes[(number + 1) % 2]);
        let source = place.file(&format!("source{number}"), (1 << 20) + number);
        let content = publish_as(from, &source, &format!("test{number}"), None);
        let copy = place.path(&format!("copy{number}"));
        fetches.push((fetch(to, content, copy.clone()), source, copy));
    }
    for (handle, source, copy) in &fetches {
        done(handle);
        same_bytes(source, copy);
    }
}

#[test]
fn a_late_joiner_gets_everything_from_peers_that_have_finished() {
    let place = Place::new();
    let source = place.file("source", 2 << 20);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let early = start(config(&[origin.advertised()]));
    done(&fetch(&early, content, place.path("early")));
    origin.stop();
    let late = start(config(&[early.advertised()]));
    done(&fetch(&late, content, place.path("late")));
    same_bytes(&source, &place.path("late"));
    // At least: what is late on a busy machine is asked for twice. A sender counts a chunk a
    // little after the receiver may have it.
    let sent = || early.traffic(content).expect("it serves").sent.0;
    until("the early peer has sent everything", || sent() >= 2 << 20);
}

#[test]
fn a_late_joiner_in_mid_transfer_finishes_too() {
    let place = Place::new();
    let source = place.file("source", 3 << 20);
    let origin = start(slow(config(&[]), 4 << 10));
    let content = publish(&origin, &source);
    let early = start(config(&[origin.advertised()]));
    let first = fetch(&early, content, place.path("early"));
    at_percent(&first, 50);
    let late = start(config(&[early.advertised()]));
    let second = fetch(&late, content, place.path("late"));
    done(&first);
    done(&second);
    same_bytes(&source, &place.path("late"));
}

#[test]
fn a_tree_and_an_empty_file_arrive_as_they_were() {
    let place = Place::new();
    let tree = place.folder("tree");
    std::fs::create_dir(tree.join("inner")).expect("created");
    std::fs::write(tree.join("inner/file"), crate::support::noise(100_000, 3)).expect("written");
    std::fs::write(tree.join("empty"), b"").expect("written");
    let empty = place.file("empty source", 0);
    let origin = start(config(&[]));
    let of_tree = publish(&origin, &tree);
    let of_empty = publish_as(&origin, &empty, "empty", None);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, of_tree, place.path("copy")));
    same_bytes(&tree.join("inner/file"), &place.path("copy").join("inner/file"));
    assert_eq!(std::fs::read(place.path("copy").join("empty")).expect("it is there"), b"");
    done(&fetch(&peer, of_empty, place.path("empty copy")));
    assert_eq!(std::fs::read(place.path("empty copy")).expect("it is there"), b"");
}
