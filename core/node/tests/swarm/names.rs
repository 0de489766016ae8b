//! Releases: NAME@VERSION instead of an id.

use samara_model::{ContentRef, ReleaseName};
use samara_node::{FetchRequest, PublishError, PublishRequest};

use crate::support::{
    GOSSIP, NEITHER, PATIENCE, Place, TRACKER, config, done, fetch, found_by, publish, same_bytes,
    start, until,
};

fn test_1() -> ReleaseName {
    ReleaseName::new("test", "1").expect("a good name")
}

fn by_name(output: std::path::PathBuf) -> FetchRequest {
    FetchRequest { content: ContentRef::Release(test_1()), output, wait: PATIENCE }
}

#[test]
fn a_name_is_known_at_nodes_that_are_not_the_origin() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let origin = start(found_by(config(&[]), GOSSIP));
    let content = publish(&origin, &source);
    let between = start(found_by(config(&[origin.advertised()]), GOSSIP));
    until("the name has spread", || between.release(&test_1()).is_some());
    let peer = start(found_by(config(&[between.advertised()]), GOSSIP));
    let fetched = done(&peer.fetch(by_name(place.path("copy"))));
    assert_eq!(fetched.content, content);
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_name_outlives_its_origin() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let origin = start(found_by(config(&[]), GOSSIP));
    let content = publish(&origin, &source);
    let between = start(found_by(config(&[origin.advertised()]), GOSSIP));
    done(&fetch(&between, content, place.path("between")));
    until("the name has spread", || between.release(&test_1()).is_some());
    origin.stop();
    let peer = start(found_by(config(&[between.advertised()]), GOSSIP));
    done(&peer.fetch(by_name(place.path("copy"))));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_name_is_asked_for_where_there_is_no_discovery() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let origin = start(found_by(config(&[]), NEITHER));
    publish(&origin, &source);
    let peer = start(found_by(config(&[origin.advertised()]), NEITHER));
    done(&peer.fetch(by_name(place.path("copy"))));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_tracker_knows_names() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let playing = samara_node::NodeConfig { be_tracker: true, ..config(&[]) };
    let tracker = start(found_by(playing, TRACKER));
    let join = [tracker.advertised()];
    let origin = start(found_by(config(&join), TRACKER));
    publish(&origin, &source);
    let peer = start(found_by(config(&join), TRACKER));
    done(&peer.fetch(by_name(place.path("copy"))));
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_name_that_is_published_later_is_waited_for() {
    let place = Place::new();
    let source = place.file("source", 1 << 20);
    let origin = start(config(&[]));
    let peer = start(config(&[origin.advertised()]));
    let handle = peer.fetch(by_name(place.path("copy")));
    until("the peer has joined", || {
        !peer.peers(samara_model::ContentId([0; 32])).is_empty() || handle.result().is_none()
    });
    publish(&origin, &source);
    done(&handle);
    same_bytes(&source, &place.path("copy"));
}

#[test]
fn a_version_is_not_published_twice_with_different_bytes() {
    let place = Place::new();
    let origin = start(config(&[]));
    publish(&origin, &place.file("source", 1 << 20));
    let other = place.file("other source", 1 << 20);
    let request = PublishRequest { path: other, release: test_1(), chunk_size: None };
    let refused = origin.publish(request, |_| {}).expect_err("it exists");
    assert!(matches!(refused, PublishError::Conflict(_)), "{refused}");
    assert!(refused.to_string().contains("test@1"), "{refused}");
}
