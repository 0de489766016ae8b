//! Files that change or vanish while they are served in place.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use samara_node::{Node, Notice};

use crate::support::{
    Notices, Place, at_percent, config, done, fetch, is_bad_peer, publish, same_bytes, slow, start,
    until,
};

const SIZE: usize = 3 << 20;

/// Other bytes in the middle, same size, same inode.
fn edit(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).expect("it is there");
    file.write_all_at(&[0x55; 4096], SIZE as u64 / 2).expect("written");
}

#[test]
fn a_source_that_is_edited_is_withdrawn_and_nobody_is_blamed() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let before = std::fs::read(&source).expect("read");
    let origin = start(slow(config(&[]), 2 << 10));
    let mut told = Notices::of(&origin);
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let mut seen = Notices::of(&peer);
    let handle = fetch(&peer, content, place.path("copy"));
    at_percent(&handle, 10);
    edit(&source);
    let changed = Notice::SourceChanged { content, path: source };
    told.until("the publisher is told", |notice| *notice == changed);
    assert!(origin.is_withdrawn(content));
    assert!(handle.result().is_none(), "it was over already");

    // The right bytes come from somebody else, who joins through the peer.
    let elsewhere = place.folder("elsewhere").join("source");
    std::fs::write(&elsewhere, &before).expect("written");
    let second = start(config(&[peer.advertised()]));
    assert_eq!(publish(&second, &elsewhere), content);
    done(&handle);
    same_bytes(&elsewhere, &place.path("copy"));
    assert!(!seen.all().iter().any(is_bad_peer), "{:?}", seen.all());
}

/// An origin, and a peer that has the whole content.
fn origin_and_finished_peer(place: &Place) -> (Node, Node, samara_model::ContentId) {
    let source = place.file("source", SIZE);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    (origin, peer, content)
}

fn a_later_peer_finishes_after(change: impl FnOnce(&Path)) {
    let place = Place::new();
    let (_origin, peer, content) = origin_and_finished_peer(&place);
    let mut told = Notices::of(&peer);
    change(&place.path("copy"));
    told.until("the change is told", |notice| matches!(notice, Notice::SourceChanged { .. }));
    assert!(peer.is_withdrawn(content));
    let later = start(config(&[peer.advertised()]));
    let mut seen = Notices::of(&later);
    done(&fetch(&later, content, place.path("later")));
    same_bytes(&place.path("source"), &place.path("later"));
    assert!(!seen.all().iter().any(is_bad_peer), "{:?}", seen.all());
    let sent = peer.traffic(content).map_or(0, |traffic| traffic.sent.0);
    assert_eq!(sent, 0, "it served what was withdrawn");
}

#[test]
fn a_copy_that_is_edited_is_withdrawn_and_a_later_peer_finishes_from_others() {
    a_later_peer_finishes_after(edit);
}

#[test]
fn a_copy_that_is_deleted_is_withdrawn_and_a_later_peer_finishes_from_others() {
    a_later_peer_finishes_after(|path| std::fs::remove_file(path).expect("removed"));
}

#[test]
fn a_copy_that_was_deleted_is_fetched_again() {
    let place = Place::new();
    let (_origin, peer, content) = origin_and_finished_peer(&place);
    std::fs::remove_file(place.path("copy")).expect("removed");
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&place.path("source"), &place.path("copy"));
}

#[test]
fn a_copy_that_was_withdrawn_is_fetched_again_to_its_place_and_elsewhere() {
    let place = Place::new();
    let (_origin, peer, content) = origin_and_finished_peer(&place);
    std::fs::remove_file(place.path("copy")).expect("removed");
    until("it is withdrawn", || peer.is_withdrawn(content));
    done(&fetch(&peer, content, place.path("elsewhere")));
    same_bytes(&place.path("source"), &place.path("elsewhere"));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&place.path("source"), &place.path("copy"));
}

/// Looked at once a second; a chunk is looked at whenever it is served.
#[test]
fn a_copy_that_was_just_edited_is_not_served() {
    let place = Place::new();
    let (origin, peer, content) = origin_and_finished_peer(&place);
    origin.stop();
    let mut told = Notices::of(&peer);
    let later = start(config(&[peer.advertised()]));
    let mut seen = Notices::of(&later);
    edit(&place.path("copy"));
    let handle = fetch(&later, content, place.path("later"));
    told.until("the change is told", |notice| matches!(notice, Notice::SourceChanged { .. }));
    assert!(handle.progress().done.0 < SIZE as u64);
    assert!(!seen.all().iter().any(is_bad_peer), "{:?}", seen.all());
    handle.cancel();
}

/// The withdrawn content is published again from the same path once it is what it was.
#[test]
fn a_withdrawn_source_can_be_published_again() {
    let place = Place::new();
    let source = place.file("source", SIZE);
    let before = std::fs::read(&source).expect("read");
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    edit(&source);
    until("it is withdrawn", || origin.is_withdrawn(content));
    std::fs::write(&source, &before).expect("written");
    assert_eq!(publish(&origin, &source), content);
    assert!(!origin.is_withdrawn(content));
    let peer = start(config(&[origin.advertised()]));
    done(&fetch(&peer, content, place.path("copy")));
    same_bytes(&source, &place.path("copy"));
}
