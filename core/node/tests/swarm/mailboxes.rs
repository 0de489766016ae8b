//! Mailboxes stay bounded whatever comes.

use samara_node::ActorName;

use crate::support::{Place, config, done, fetch, publish_as, same_bytes, start};

/// Messages that may wait in a mailbox.
const MAILBOX: usize = 1024;
/// A sender that finds a mailbox full waits with one message in its hand: the reader and the writer of each
/// of up to 10 links, the tasks that dial for four contents (10 each) and 16 threads of the disk pool.
const IN_HAND: usize = 10 * 2 + 4 * 10 + 16;

const ALL: [ActorName; 6] = [
    ActorName::Seeder,
    ActorName::ChunkStore,
    ActorName::Gossip,
    ActorName::Selector,
    ActorName::Swarm,
    ActorName::Tracker,
];

/// Chunks of 16 KiB where the content's size would choose 256 KiB or more, four contents at once, no limit:
/// well over ten times the messages per second of an ordinary transfer.
#[test]
fn mailboxes_stay_bounded_under_ten_times_the_load() {
    let place = Place::new();
    let origin = start(config(&[]));
    let sources: Vec<_> = (0..4)
        .map(|number| {
            let source = place.file(&format!("source{number}"), (3 << 20) + number);
            let name = format!("test{number}");
            let content = publish_as(&origin, &source, &name, Some(16 << 10));
            (source, content)
        })
        .collect();
    let peers: Vec<_> = (0..10).map(|_| start(config(&[origin.advertised()]))).collect();
    let mut fetches = Vec::new();
    for (number, (source, content)) in sources.iter().enumerate() {
        for (at, peer) in peers.iter().enumerate() {
            let output = place.path(&format!("copy{number}-{at}"));
            fetches.push((fetch(peer, *content, output.clone()), source, output));
        }
    }
    for (handle, source, output) in &fetches {
        done(handle);
        same_bytes(source, output);
    }
    for node in peers.iter().chain([&origin]) {
        let busy = node.deepest_mailbox(ActorName::Swarm);
        assert!(busy > 1, "the load did not make anybody wait: {busy}");
        for actor in ALL {
            let deepest = node.deepest_mailbox(actor);
            assert!(deepest <= MAILBOX + IN_HAND, "{actor:?}: {deepest}");
        }
    }
}
