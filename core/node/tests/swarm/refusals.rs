//! Fetches that cannot succeed say why, and touch nothing.

use std::path::PathBuf;
use std::time::Duration;

use samara_model::{ContentId, ContentRef, ReleaseName};
use samara_node::{FetchError, FetchRequest};

use crate::support::{
    Place, config, done, failed, fetch, nowhere, publish, request, same_bytes, start, until,
};

const SHORT: Duration = Duration::from_millis(600);

fn impatient(content: ContentRef, output: PathBuf) -> FetchRequest {
    FetchRequest { content, output, wait: SHORT }
}

#[test]
fn an_unknown_content_is_given_up_after_the_wait() {
    let place = Place::new();
    let origin = start(config(&[]));
    publish(&origin, &place.file("source", 100_000));
    let peer = start(config(&[origin.advertised()]));
    let content = ContentId([7; 32]);
    let error = failed(&peer.fetch(impatient(ContentRef::Id(content), place.path("copy"))));
    assert_eq!(error, FetchError::UnknownContent { content });
    assert!(error.to_string().contains(&content.to_string()), "{error}");
    assert!(error.to_string().contains("Check the id"), "{error}");
    assert!(!place.path("copy").exists());
}

#[test]
fn an_unknown_release_is_given_up_after_the_wait() {
    let place = Place::new();
    let origin = start(config(&[]));
    publish(&origin, &place.file("source", 100_000));
    let peer = start(config(&[origin.advertised()]));
    let release = ReleaseName::new("test", "2").expect("a good name");
    let wanted = impatient(ContentRef::Release(release.clone()), place.path("copy"));
    let error = failed(&peer.fetch(wanted));
    assert_eq!(error, FetchError::UnknownRelease { release });
    assert!(error.to_string().contains("test@2"), "{error}");
}

#[test]
fn nobody_at_the_join_address_is_given_up_after_the_wait() {
    let place = Place::new();
    let address = nowhere();
    let peer = start(config(&[address]));
    let wanted = impatient(ContentRef::Id(ContentId([7; 32])), place.path("copy"));
    let error = failed(&peer.fetch(wanted));
    assert!(matches!(error, FetchError::NobodyThere { .. }), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn no_join_address_at_all_is_said() {
    let place = Place::new();
    let peer = start(config(&[]));
    let wanted = impatient(ContentRef::Id(ContentId([7; 32])), place.path("copy"));
    let error = failed(&peer.fetch(wanted));
    assert!(error.to_string().contains("no join address was given"), "{error}");
}

#[test]
fn an_output_that_is_something_else_is_left_alone() {
    let place = Place::new();
    let origin = start(config(&[]));
    let content = publish(&origin, &place.file("source", 100_000));
    let peer = start(config(&[origin.advertised()]));
    std::fs::write(place.path("copy"), b"mine").expect("written");
    let error = failed(&fetch(&peer, content, place.path("copy")));
    assert!(matches!(error, FetchError::Impossible { .. }), "{error}");
    assert!(error.to_string().contains("exists and is not content"), "{error}");
    assert_eq!(std::fs::read(place.path("copy")).expect("it is there"), b"mine");
}

#[test]
fn a_folder_that_is_missing_is_named_and_the_fetch_works_once_it_is_there() {
    let place = Place::new();
    let source = place.file("source", 100_000);
    let origin = start(config(&[]));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let output = place.path("missing").join("copy");
    let error = failed(&fetch(&peer, content, output.clone()));
    assert!(matches!(error, FetchError::Impossible { .. }), "{error}");
    assert!(error.to_string().contains("there is no directory"), "{error}");
    place.folder("missing");
    done(&fetch(&peer, content, output.clone()));
    same_bytes(&source, &output);
}

#[test]
fn a_fetch_without_a_peer_that_has_the_rest_is_abandoned_and_goes_on_later() {
    let place = Place::new();
    let source = place.file("source", 3 << 20);
    let origin = start(crate::support::slow(config(&[]), 3 << 10));
    let content = publish(&origin, &source);
    let peer = start(config(&[origin.advertised()]));
    let wanted = FetchRequest { wait: SHORT, ..request(content, place.path("copy")) };
    let handle = peer.fetch(wanted);
    crate::support::at_percent(&handle, 20);
    origin.stop();
    let error = failed(&handle);
    assert!(matches!(error, FetchError::Abandoned { .. }), "{error}");
    let again = start(config(&[peer.advertised()]));
    assert_eq!(publish(&again, &source), content);
    let fetched = done(&fetch(&peer, content, place.path("copy")));
    assert!(fetched.progress.resumed.0 > 0, "{fetched:?}");
    same_bytes(&source, &place.path("copy"));
}

/// The peers are company, but none has what the others lack: nobody waits for ever.
#[test]
fn peers_that_lack_the_same_end_when_the_origin_is_gone_and_go_on_when_it_is_back() {
    let place = Place::new();
    let source = place.file("source", 3 << 20);
    let origin = start(crate::support::slow(config(&[]), 1 << 10));
    let content = publish(&origin, &source);
    let peers = [(); 2].map(|()| start(config(&[origin.advertised()])));
    let fetch_with = |wait, at: usize| {
        let output = place.path(&format!("copy{at}"));
        peers[at].fetch(FetchRequest { wait, ..request(content, output) })
    };
    let fetches = [fetch_with(SHORT, 0), fetch_with(SHORT, 1)];
    crate::support::at_percent(&fetches[0], 20);
    crate::support::at_percent(&fetches[1], 20);
    until("the peers are neighbours", || fetches[0].progress().neighbours == 2);
    origin.stop();
    let mut named = 0;
    for (at, handle) in fetches.iter().enumerate() {
        let error = failed(handle);
        let FetchError::Abandoned { done, total, missing, connected, .. } = &error else {
            panic!("{error}");
        };
        assert!(done < total && *missing > 0, "{error}");
        named += usize::from(connected.contains(&peers[1 - at].advertised().to_string()));
    }
    assert!(named > 0, "the one that ended first was still connected to the other");
    let again = start(config(&[peers[0].advertised()]));
    assert_eq!(publish(&again, &source), content);
    for at in 0..2 {
        let fetched = done(&fetch_with(std::time::Duration::MAX, at));
        assert!(fetched.progress.resumed.0 > 0, "{fetched:?}");
        same_bytes(&source, &place.path(&format!("copy{at}")));
    }
}
