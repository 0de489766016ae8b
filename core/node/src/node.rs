//! A node: starts and stops everything, and is what a program that embeds Samara holds.

mod daemon;
mod error;
mod publish;
mod reachable;
mod supervised;
mod threads;

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use samara_model::{ContentId, PeerId, Release, ReleaseName};
use samara_store::Store;

pub use daemon::Reload;
pub use error::{PublishError, StartError};

use reachable::reachable;
use threads::{actors_runtime, data_plane, data_threads, start_actors};

use crate::api::{FetchProgress, FetchRequest, NodeConfig, Notice, PeerRow};
use crate::clock::unix_millis;
use crate::coalesce::Coalescer;
use crate::fetch::FetchHandle;
use crate::gossip_actor::GossipMessage;
use crate::identity::{load_or_make, random_bytes};
use crate::instance;
use crate::join;
use crate::link::{BoundPair, Identity, LinkConfig, Links, bind_pair};
use crate::router::Router;
use crate::shared::{Parts, Shared};
use crate::tracker_actor::TrackerMessage;

/// How long a stop waits for what is still to be said.
const GOODBYE: Duration = Duration::from_secs(3);

/// A running node. Stops when dropped; [`Node::stop`] says goodbye to its peers first.
pub struct Node {
    pub(crate) shared: Arc<Shared>,
    /// The data plane's own threads; without any it runs on the actors' thread.
    data_plane: Option<tokio::runtime::Runtime>,
    actors: Option<JoinHandle<()>>,
    temporary: Option<tempfile::TempDir>,
    metrics_listen: Option<SocketAddr>,
}

impl Node {
    /// Opens the data directory, listens, and starts the actors.
    ///
    /// # Errors
    /// When the directory or the port is in use, or the system refuses.
    pub fn start(mut config: NodeConfig) -> Result<Node, StartError> {
        if config.cluster.is_empty() || config.cluster.len() > 64 {
            return Err(StartError::Cluster(config.cluster));
        }
        let (data, temporary) = data_directory(&config)?;
        let store = Store::open(&data)?;
        let me = load_or_make(&store)?;
        let BoundPair { tcp, udp, address } = bind_pair(config.listen)?;
        config.listen = address;
        let dialable = config.advertise.unwrap_or_else(|| reachable(address, &config.join));
        let random_seed = match config.random_seed {
            Some(random_seed) => random_seed,
            None => u64::from_le_bytes(random_bytes()?[..8].try_into().unwrap_or([7; 8])),
        };
        let instance = instance::next(&store, unix_millis());
        let coalescer = Arc::new(Coalescer::new());
        let actors = actors_runtime(coalescer.clone())?;
        let data_plane = data_plane(data_threads(&config))?;
        let shared = Shared::new(Parts {
            config,
            me,
            instance,
            address: dialable,
            store,
            data_plane: data_plane.as_ref().unwrap_or(&actors).handle().clone(),
            random_seed,
        });
        let udp = Arc::new(udp);
        let actors = start_actors(shared.clone(), udp.clone(), actors)?;
        let metrics_listen = None;
        let mut node = Node { shared, data_plane, actors: Some(actors), temporary, metrics_listen };
        for request in &node.shared.config.policy.load {
            node.shared.activate_policy(request)?;
        }
        node.listen(tcp, udp)?;
        node.metrics_listen = crate::telemetry::start_or_warn(&node.shared);
        node.shared.resume_catalogue();
        if node.shared.config.remember {
            node.shared.data_plane.spawn(crate::catalogue::keep_house(node.shared.clone()));
            node.shared.data_plane.spawn(crate::catalogue::scrub_always(node.shared.clone()));
        }
        crate::admin::start_or_warn(&node.shared)?;
        if let (None, Some(links)) = (&node.data_plane, node.shared.links()) {
            coalescer.watch(links.counters().clone(), links.naps().clone());
        }
        Ok(node)
    }

    fn listen(&self, tcp: std::net::TcpListener, udp: Arc<UdpSocket>) -> Result<(), StartError> {
        let shared = &self.shared;
        let identity = Identity {
            cluster: shared.config.cluster.clone(),
            peer: shared.me,
            instance: shared.instance ^ shared.next_random_seed(),
            advertise: shared.config.advertise,
            labels: shared.config.labels.clone(),
        };
        let config = LinkConfig {
            limit_up: shared.config.limit_up,
            limit_down: shared.config.limit_down,
            ..LinkConfig::default()
        };
        let _inside = shared.data_plane.enter();
        let links = Links::start(tcp, identity, config, Router(shared.clone()))
            .map_err(StartError::Threads)?;
        shared.set_links(Some(links));
        join::start(shared);
        if shared.config.discovery.gossip {
            crate::datagrams::start(shared, &udp).map_err(StartError::Threads)?;
        }
        Ok(())
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.config.listen
    }

    /// The address that others are told to dial.
    pub fn advertised(&self) -> SocketAddr {
        self.shared.address
    }

    /// Where `/metrics`, `/healthz` and `/readyz` are answered, if anywhere.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_listen
    }

    /// This node's figures in Prometheus's text format, as `/metrics` gives them. Asks file systems.
    pub fn metrics(&self) -> String {
        crate::metrics::page(&self.shared)
    }

    /// This node's id.
    pub fn peer_id(&self) -> PeerId {
        self.shared.me
    }

    /// Starts a fetch and returns at once.
    pub fn fetch(&self, request: FetchRequest) -> FetchHandle {
        FetchHandle::start(self.shared.clone(), request)
    }

    /// What this node knows about who has a content: neighbours first, then what gossip tells.
    pub fn peers(&self, content: ContentId) -> Vec<PeerRow> {
        let shared = self.shared.clone();
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.shared.data_plane.spawn(async move {
            let _ = answer.send(shared.peer_rows(content).await);
        });
        answered.blocking_recv().unwrap_or_default()
    }

    /// How a content stands that this node fetches or serves.
    pub fn traffic(&self, content: ContentId) -> Option<FetchProgress> {
        self.shared.content(&content).map(|state| state.progress())
    }

    /// Whether a content that this node served was withdrawn because its bytes changed.
    pub fn is_withdrawn(&self, content: ContentId) -> bool {
        self.shared.content(&content).is_some_and(|state| state.is_withdrawn())
    }

    /// The releases that this node knows from publishing and fetching.
    pub fn release(&self, name: &ReleaseName) -> Option<Release> {
        self.shared.release(name)
    }

    /// What a person should know, as it happens. A later call takes over from an earlier one.
    pub fn notices(&self) -> mpsc::Receiver<Notice> {
        self.shared.watch_notices()
    }

    /// Says goodbye, lets what is queued go out, and waits for all threads. Fetches under way are
    /// cancelled; what they verified stays.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        let Some(actors) = self.actors.take() else { return };
        self.shared.gossip.tell(GossipMessage::Leave);
        self.shared.tracker.tell(TrackerMessage::Leave);
        join::remember(&self.shared);
        self.shared.stop_hashing();
        let (shared, (done, wait)) = (self.shared.clone(), mpsc::channel());
        self.shared.data_plane.spawn(async move {
            if let Some(links) = shared.links() {
                links.shutdown().await;
            }
            let _ = done.send(());
        });
        // Whoever does not read our goodbye within this time will notice that we are gone.
        let _ = wait.recv_timeout(GOODBYE);
        self.shared.stop();
        // A panic there was counted and told already.
        let _ = actors.join();
        if let Some(data_plane) = self.data_plane.take() {
            data_plane.shutdown_timeout(GOODBYE);
        }
        self.shared.set_links(None);
        self.temporary = None;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.shut_down();
    }
}

fn data_directory(config: &NodeConfig) -> Result<(PathBuf, Option<tempfile::TempDir>), StartError> {
    match &config.data {
        Some(data) => Ok((data.clone(), None)),
        None => {
            let made = tempfile::Builder::new().prefix("samara-").tempdir();
            let temporary = made.map_err(StartError::TemporaryData)?;
            Ok((temporary.path().to_path_buf(), Some(temporary)))
        }
    }
}
