//! Single actors of a node without sockets, for tests of what one of them does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use samara_model::ContentId;
use samara_store::Store;

use crate::api::{ActorName, FetchPhase, NodeConfig};
use crate::chunk_store_actor::{ChunkStore, ChunkStoreMessage, Order, Work};
use crate::content_state::ContentState;
use crate::link::{LinkEvent, LinkId, LinkRouter};
use crate::router::Router;
use crate::shared::{Parts, Shared};
use crate::supervise::supervise;
use crate::swarm_actor::Swarm;

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all parts of a node share, with a store and a runtime and without actors; a test starts the ones it is
/// about.
pub struct Alone {
    pub shared: Arc<Shared>,
    system: actix::SystemRunner,
    dir: tempfile::TempDir,
}

impl Alone {
    pub fn new() -> Alone {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let system = actix::System::new();
        let data_plane = system.block_on(async { tokio::runtime::Handle::current() });
        let parts = Parts {
            config: NodeConfig::default(),
            me: samara_model::PeerId([1; 32]),
            instance: 1,
            address: SocketAddr::from(([127, 0, 0, 1], 7300)),
            store: Store::open(&dir.path().join("data")).expect("a new store"),
            data_plane,
            random_seed: 7,
        };
        Alone { shared: Shared::new(parts), system, dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a test inside of the actors' system.
    pub fn run(&self, test: impl AsyncFnOnce(&Alone)) {
        self.system.block_on(test(self));
        self.shared.stop();
    }

    pub async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < end, "never happened: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn start_chunk_store(&self) {
        let (shared, reference) = (self.shared.clone(), self.shared.chunk_store.clone());
        let make = move |alive, _| ChunkStore::new(shared.clone(), alive);
        supervise(ActorName::ChunkStore, self.shared.clone(), reference, || true, make);
    }

    fn start_swarm(&self, state: &Arc<ContentState>) {
        let (shared, of) = (self.shared.clone(), state.clone());
        let make = move |alive, first| Swarm::new(shared.clone(), of.clone(), alive, first);
        supervise(ActorName::Swarm, self.shared.clone(), state.swarm.clone(), || true, make);
    }

    /// A manifest of some chunks, and the state of a fetch that lacks it.
    fn wanted(&self) -> (Vec<u8>, Arc<ContentState>) {
        let source = self.path("source");
        std::fs::write(&source, vec![5; 200_000]).expect("written");
        let stop = AtomicBool::new(false);
        let imported = Store::import(&source, Some(16 << 10), &|_, _| {}, &stop);
        let bytes = samara_wire::encode_manifest(&imported.expect("hashed").manifest);
        let content: ContentId = samara_wire::manifest_id(&bytes);
        (bytes, ContentState::new(content, false, Some(self.path("copy"))))
    }
}

/// The order waits in the mailbox behind a message at which the actor dies.
#[test]
fn an_order_that_dies_with_the_chunk_store_is_given_again() {
    let node = Alone::new();
    let (manifest, state) = node.wanted();
    node.run(async |node| {
        node.start_chunk_store();
        node.start_swarm(&state);
        node.until("the swarm has looked for a manifest", || {
            node.shared.chunk_store.gauge().most() > 0
        })
        .await;
        assert!(node.shared.chunk_store.tell(ChunkStoreMessage::Panic));
        let work = Work::Prepare(Some(manifest.into()));
        let order = ChunkStoreMessage::Work(Order::new(state.clone(), work));
        assert!(node.shared.chunk_store.tell(order), "it waits in the same mailbox");
        node.until("the manifest is taken in", || state.stored().is_some()).await;
        assert_eq!(node.shared.metrics.restarts_of(ActorName::ChunkStore), 1, "it did not die");
        assert_eq!(state.phase(), FetchPhase::Transferring);
    });
}

/// Nobody is there to take it: the order comes back at once, again and again.
#[test]
fn an_order_that_no_chunk_store_takes_is_given_until_one_does() {
    let node = Alone::new();
    let (manifest, state) = node.wanted();
    node.run(async |node| {
        node.start_swarm(&state);
        let work = Work::Prepare(Some(manifest.into()));
        let order = ChunkStoreMessage::Work(Order::new(state.clone(), work));
        assert!(!node.shared.chunk_store.tell(order), "nobody is there");
        tokio::task::yield_now().await;
        assert!(state.stored().is_none());
        node.start_chunk_store();
        node.until("the manifest is taken in", || state.stored().is_some()).await;
    });
}

#[test]
fn a_chunk_that_the_store_could_not_keep_is_counted() {
    use samara_store::StoreChunkError;
    let node = Alone::new();
    let (manifest, state) = node.wanted();
    node.run(async |node| {
        node.start_chunk_store();
        node.start_swarm(&state);
        let work = Work::Prepare(Some(manifest.into()));
        let order = Order::new(state.clone(), work);
        node.until("the store is there", || node.shared.chunk_store.gauge().most() > 0).await;
        assert!(node.shared.chunk_store.tell(ChunkStoreMessage::Work(order)));
        node.until("the manifest is taken in", || state.stored().is_some()).await;
        let error =
            Arc::new(StoreChunkError::NoSuchChunk { content: state.content, chunk: 3, chunks: 3 });
        let (link, content) = (LinkId(1), state.content);
        node.shared.contents.write().expect("unharmed").insert(content, state.clone());
        let router = Router(node.shared.clone());
        router.deliver(LinkEvent::StoreFailed { link, content, chunk: 3, error }).await;
        node.until("it is counted", || state.progress().wasted.0 > 0).await;
        let progress = state.progress();
        assert_eq!((progress.received.0, progress.wasted.0), (16 << 10, 16 << 10));
        for (series, value) in [
            ("samara_chunks_received_total{outcome=\"unwritten\"}", 1),
            ("samara_wasted_bytes_total{cause=\"unwritten\"}", 16 << 10),
            ("samara_received_bytes_total{source=\"remote\"}", 16 << 10),
        ] {
            assert_eq!(node.shared.metrics.of(series), Some(value), "{series}");
        }
    });
}
