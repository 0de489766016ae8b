//! A node: starts and stops everything, and is what a program that embeds Samara holds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use samara_model::{ContentId, Labels, PeerId, Release, ReleaseConflict, ReleaseName};
use samara_store::{ImportError, OpenStoreError, PublishError as StorePublishError, Store};

use crate::api::{
    ActorName, FetchProgress, FetchRequest, HashProgress, NodeConfig, Notice, PeerRow, PeerSource,
    PublishRequest, Published,
};
use crate::chunk_store_actor::ChunkStore;
use crate::clock::{unix_millis, unix_seconds};
use crate::coalesce::Coalescer;
use crate::content_state::ContentState;
use crate::fetch::FetchHandle;
use crate::gossip_actor::{Gossip, GossipMessage};
use crate::identity::{IdentityError, load_or_make, random_bytes};
use crate::join;
use crate::link::{BindError, BoundPair, Identity, LinkConfig, Links, bind_pair};
use crate::router::Router;
use crate::seeder_actor::{Seeder, SeederMessage};
use crate::selector_actor::Selector;
use crate::shared::{Parts, Shared};
use crate::supervise::supervise;
use crate::tracker_actor::{Tracker, TrackerMessage};

/// Most threads of the data plane that are started unasked.
const MAX_DATA_THREADS: usize = 4;
/// Largest number of threads that wait for the disk.
const DISK_THREADS: usize = 16;
/// How long a stop waits for what is still to be said.
const GOODBYE: Duration = Duration::from_secs(3);

/// The node did not start; nothing is left behind but its data directory.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
    /// There is no place for a temporary data directory.
    #[error("cannot make a temporary data directory; name one with --data")]
    TemporaryData(#[source] std::io::Error),
    /// The node has no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The cluster's name is empty or too long.
    #[error("the cluster id must have 1 to 64 bytes, and `{0}` has not")]
    Cluster(String),
    /// The system gives no threads or sockets.
    #[error("cannot start the node's threads")]
    Threads(#[source] std::io::Error),
}

/// A source was not published; what was served before still is.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It cannot be read or hashed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] StorePublishError),
    /// The version exists with another content.
    #[error(transparent)]
    Conflict(#[from] ReleaseConflict),
}

/// A running node. Stops when dropped; [`Node::stop`] says goodbye to its peers first.
pub struct Node {
    shared: Arc<Shared>,
    /// The data plane's own threads; without any it runs on the actors' thread.
    data_plane: Option<tokio::runtime::Runtime>,
    actors: Option<JoinHandle<()>>,
    temporary: Option<tempfile::TempDir>,
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
        let coalescer = Arc::new(Coalescer::new());
        let actors = actors_runtime(coalescer.clone())?;
        let data_plane = data_plane(data_threads(&config))?;
        let shared = Shared::new(Parts {
            config,
            me,
            instance: unix_millis(),
            address: dialable,
            store,
            data_plane: data_plane.as_ref().unwrap_or(&actors).handle().clone(),
            random_seed,
        });
        let udp = Arc::new(udp);
        let actors = start_actors(shared.clone(), udp.clone(), actors)?;
        let node = Node { shared, data_plane, actors: Some(actors), temporary };
        node.listen(tcp, udp)?;
        if let (None, Some(links)) = (&node.data_plane, node.shared.links()) {
            coalescer.watch(links.counters().clone());
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

    /// This node's id.
    pub fn peer_id(&self) -> PeerId {
        self.shared.me
    }

    /// Hashes a file or tree and serves it from where it lies. Blocks; `progress` is called from several
    /// threads.
    ///
    /// # Errors
    /// When it cannot be read, changes meanwhile, or its version exists with another content.
    pub fn publish(
        &self,
        request: PublishRequest,
        progress: impl Fn(HashProgress) + Send + Sync + 'static,
    ) -> Result<Published, PublishError> {
        self.publish_until(request, progress, &AtomicBool::new(false))
    }

    /// Like [`Node::publish`], and gives up soon after `stop` is set.
    ///
    /// # Errors
    /// As [`Node::publish`]; an [`ImportError`] when it was stopped.
    pub fn publish_until(
        &self,
        request: PublishRequest,
        progress: impl Fn(HashProgress) + Send + Sync + 'static,
        stop: &AtomicBool,
    ) -> Result<Published, PublishError> {
        use samara_model::ByteCount;
        let report =
            |done, total| progress(HashProgress { done: ByteCount(done), total: ByteCount(total) });
        let imported = Store::import(&request.path, request.chunk_size, &report, stop)?;
        let bytes = samara_wire::encode_manifest(&imported.manifest);
        let content = samara_wire::manifest_id(&bytes);
        let release = Release {
            release: request.release.clone(),
            content,
            publisher: self.shared.me,
            published_at: unix_seconds(),
            signature: None,
        };
        self.shared.add_release(&release)?;
        let files = imported.manifest.files.len();
        let root = std::path::absolute(&request.path).unwrap_or(request.path);
        let stored = self.shared.store.publish(content, bytes, imported, &root)?;
        let published = Published {
            content,
            release: request.release,
            size: stored.total(),
            chunks: stored.manifest().chunk_count(),
            files,
        };
        let state = ContentState::new(content, true, None);
        state.set_stored(stored);
        state.set_phase(crate::api::FetchPhase::Complete);
        self.open(state);
        self.tell_release(release);
        Ok(published)
    }

    /// Takes part in a content that was published, unless this node does already.
    fn open(&self, state: Arc<ContentState>) {
        let mut contents = self.shared.contents.write().unwrap_or_else(PoisonError::into_inner);
        let before = contents.get(&state.content).cloned();
        if before.as_ref().is_some_and(|before| !before.is_withdrawn() && !before.is_closed()) {
            return;
        }
        contents.insert(state.content, state.clone());
        drop(contents);
        let seeder = self.shared.seeder.clone();
        self.shared.data_plane.spawn(async move {
            if let Some(before) = before {
                before.close();
                seeder.deliver(SeederMessage::Close(before)).await;
            }
            seeder.deliver(SeederMessage::Open(state)).await;
        });
    }

    fn tell_release(&self, release: Release) {
        self.shared.gossip.tell(GossipMessage::ReleaseAdded(release.clone()));
        self.shared.tracker.tell(TrackerMessage::ReleaseAdded(release));
    }

    /// Starts a fetch and returns at once.
    pub fn fetch(&self, request: FetchRequest) -> FetchHandle {
        FetchHandle::start(self.shared.clone(), request)
    }

    /// What this node knows about who has a content: neighbours first, then what gossip tells.
    pub fn peers(&self, content: ContentId) -> Vec<PeerRow> {
        let mut rows = match self.shared.content(&content) {
            Some(state) => state.rows.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            None => Vec::new(),
        };
        let (answer, answered) = tokio::sync::oneshot::channel();
        let gossip = self.shared.gossip.clone();
        self.shared.data_plane.spawn(async move {
            gossip.deliver(GossipMessage::Holders { content, answer }).await;
        });
        let holders = answered.blocking_recv().unwrap_or_default();
        for holder in holders {
            if rows.iter().all(|row| row.peer != holder.peer) {
                rows.push(PeerRow {
                    peer: holder.peer,
                    address: holder.address,
                    place: holder.place,
                    permille: holder.permille,
                    source: PeerSource::Gossip,
                    age: holder.age,
                });
            }
        }
        rows
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

    /// How often an actor was restarted after a panic.
    pub fn restarts(&self, actor: ActorName) -> u64 {
        self.shared.metrics.restarts_of(actor)
    }

    /// The most messages that ever waited in the mailbox of an actor; for `Swarm`, of any swarm.
    pub fn deepest_mailbox(&self, actor: ActorName) -> usize {
        match actor {
            ActorName::Seeder => self.shared.seeder.gauge().most(),
            ActorName::ChunkStore => self.shared.chunk_store.gauge().most(),
            ActorName::Gossip => self.shared.gossip.gauge().most(),
            ActorName::Selector => self.shared.selector.gauge().most(),
            ActorName::Tracker => self.shared.tracker.gauge().most(),
            ActorName::Swarm => {
                self.contents().iter().map(|state| state.swarm.gauge().most()).max().unwrap_or(0)
            }
        }
    }

    /// Makes an actor panic, to test that it comes back. False when it is down just now.
    #[doc(hidden)]
    pub fn inject_panic(&self, actor: ActorName) -> bool {
        use crate::chunk_store_actor::ChunkStoreMessage;
        use crate::selector_actor::SelectorMessage;
        use crate::swarm_actor::SwarmMessage;
        match actor {
            ActorName::Seeder => self.shared.seeder.tell(SeederMessage::Panic),
            ActorName::ChunkStore => self.shared.chunk_store.tell(ChunkStoreMessage::Panic),
            ActorName::Gossip => self.shared.gossip.tell(GossipMessage::Panic),
            ActorName::Selector => self.shared.selector.tell(SelectorMessage::Panic),
            ActorName::Tracker => self.shared.tracker.tell(TrackerMessage::Panic),
            ActorName::Swarm => {
                let contents = self.contents();
                let told: Vec<bool> =
                    contents.iter().map(|state| state.swarm.tell(SwarmMessage::Panic)).collect();
                !told.is_empty() && told.into_iter().all(|told| told)
            }
        }
    }

    fn contents(&self) -> Vec<Arc<ContentState>> {
        let contents = self.shared.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.values().cloned().collect()
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

/// Threads of the data plane, unless the config says. On a small machine none: waking a thread for each
/// message and back costs more than it brings (measured on two cores, 15 peers: 14 % of the processor time).
fn data_threads(config: &NodeConfig) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let unasked = if cores <= 2 { 0 } else { (cores / 2).min(MAX_DATA_THREADS) };
    config.data_threads.unwrap_or(unasked)
}

fn data_plane(threads: usize) -> Result<Option<tokio::runtime::Runtime>, StartError> {
    if threads == 0 {
        return Ok(None);
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(DISK_THREADS)
        .thread_name("samara-data")
        .enable_all()
        .build()
        .map(Some)
        .map_err(StartError::Threads)
}

fn actors_runtime(coalescer: Arc<Coalescer>) -> Result<tokio::runtime::Runtime, StartError> {
    tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || coalescer.before_sleep())
        .max_blocking_threads(DISK_THREADS)
        .thread_name("samara-disk")
        .enable_all()
        .build()
        .map_err(StartError::Threads)
}

/// One thread with one current-thread system for all actors.
fn start_actors(
    shared: Arc<Shared>,
    udp: Arc<UdpSocket>,
    runtime: tokio::runtime::Runtime,
) -> Result<JoinHandle<()>, StartError> {
    let (ready, wait_ready) = mpsc::channel();
    let thread = std::thread::Builder::new().name("samara-actors".into()).spawn(move || {
        // The closure is called once, on this thread.
        let runtime = std::sync::Mutex::new(Some(runtime));
        let take = move || {
            let taken = runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
            taken.unwrap_or_else(|| unreachable!("a system asks for one runtime"))
        };
        let system = actix::System::with_tokio_rt(take);
        let running = shared.clone();
        system.block_on(async move {
            let stopped = running.stopped.notified();
            tokio::pin!(stopped);
            stopped.as_mut().enable();
            run_actors(&running, &udp);
            // The system runs what was spawned before this goes on: each actor has started then, and an
            // early stop finds none whose start would miss its runtime.
            tokio::task::yield_now().await;
            let _ = ready.send(());
            if !running.is_stopping() {
                stopped.await;
            }
        });
    });
    let thread = thread.map_err(StartError::Threads)?;
    let _ = wait_ready.recv();
    Ok(thread)
}

fn run_actors(shared: &Arc<Shared>, udp: &Arc<UdpSocket>) {
    let of = |name: ActorName| (name, shared.clone());
    let (name, inner) = of(ActorName::Seeder);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.seeder.clone(),
        || true,
        move |alive, _| Seeder::new(made.clone(), alive),
    );
    let (name, inner) = of(ActorName::ChunkStore);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.chunk_store.clone(),
        || true,
        move |alive, _| ChunkStore::new(made.clone(), alive),
    );
    let (name, inner) = of(ActorName::Selector);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.selector.clone(),
        || true,
        move |alive, _| Selector::new(made.clone(), alive),
    );
    let (name, inner) = of(ActorName::Gossip);
    let (made, socket) = (shared.clone(), udp.clone());
    supervise(
        name,
        inner,
        shared.gossip.clone(),
        || true,
        move |alive, _| Gossip::new(made.clone(), socket.clone(), alive),
    );
    let (name, inner) = of(ActorName::Tracker);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.tracker.clone(),
        || true,
        move |alive, _| Tracker::new(made.clone(), alive),
    );
}

/// The address of this machine that reaches the join addresses, when `listen` is all of them. Connecting a
/// UDP socket sends nothing; it asks the routing table.
fn reachable(listen: SocketAddr, join: &[SocketAddr]) -> SocketAddr {
    if !listen.ip().is_unspecified() {
        return listen;
    }
    // TEST-NET-1: no such host; the route to it is the default route.
    let anywhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let through = |to: &SocketAddr| -> Option<IpAddr> {
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(to).ok()?;
        socket.local_addr().ok().map(|local| local.ip())
    };
    let ip = join.iter().chain([&anywhere]).find_map(through);
    SocketAddr::new(ip.unwrap_or(Ipv4Addr::LOCALHOST.into()), listen.port())
}

impl Default for NodeConfig {
    fn default() -> Self {
        NodeConfig {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            advertise: None,
            data: None,
            join: Vec::new(),
            cluster: "samara".into(),
            labels: Labels::default(),
            discovery: crate::api::Discovery { tracker: true, gossip: true },
            trackers: Vec::new(),
            be_tracker: false,
            limit_up: None,
            limit_down: None,
            random_seed: None,
            data_threads: None,
        }
    }
}
