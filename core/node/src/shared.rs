//! What all parts of one node share: who it is, its store and sockets, and how to reach its actors.
//!
//! Nothing here decides anything. What an actor must find again after a restart is here or in the store;
//! everything else belongs to the actor.

mod holdings;
mod labels;
mod live;
mod notices;
mod peers;
mod releases;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use samara_model::{ContentId, Holding, PeerId};
use samara_store::Store;
use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast, watch};

pub use labels::Words;
pub use live::LiveLink;

use labels::OwnLabels;

use notices::Notices;
use releases::Releases;

use crate::admin::{Looks, ProcessCost};
use crate::api::{NodeCaps, NodeConfig, Notice, StorageConfig};
use crate::catalogue::Catalogue;
use crate::chunk_store_actor::ChunkStore;
use crate::clock::Clock;
use crate::content_state::ContentState;
use crate::fetch::Resolving;
use crate::finder::Finder;
use crate::gossip_actor::Gossip;
use crate::link::{LinkId, Links};
use crate::metrics::Metrics;
use crate::node::Reload;
use crate::router::Router;
use crate::seeder_actor::Seeder;
use crate::selector::Desk;
use crate::selector_actor::Selector;
use crate::supervise::ActorRef;
use crate::swarm_actor::Swarm;
use crate::tracker_actor::Tracker;

/// Notices that wait for a listener that is slow.
const MAX_NEWS: usize = 64;

/// Addresses that names of trackers may have, over the life of the node.
const MAX_FOUND: usize = 64;

/// One node, seen from its parts.
pub struct Shared {
    /// As it was set up.
    pub config: NodeConfig,
    /// Who it is.
    pub me: PeerId,
    /// Which start of the node this is; higher than any before.
    pub instance: u64,
    /// Where others dial it, as it is known now.
    address: RwLock<SocketAddr>,
    own_labels: OwnLabels,
    /// Its policies.
    pub policies: Desk,
    /// Its clock.
    pub clock: Clock,
    /// Its files.
    pub store: Arc<Store>,
    /// Its counters.
    pub metrics: Metrics,
    /// Runs sockets, disk and hashing.
    pub data_plane: Handle,
    /// Who wants to know what others have.
    pub finder: Finder,
    /// Names that nobody has told yet which content they are.
    pub resolving: Resolving,
    /// What this node takes part in.
    pub contents: RwLock<HashMap<ContentId, Arc<ContentState>>>,
    /// What it was asked to take part in.
    pub catalogue: Catalogue,
    /// Live links.
    pub live: RwLock<HashMap<LinkId, LiveLink>>,
    /// Ends when the node stops.
    pub stopped: Notify,
    /// Rings when a link stands.
    pub link_up: Notify,
    /// The other actors.
    pub seeder: ActorRef<Seeder>,
    /// See `seeder`.
    pub chunk_store: ActorRef<ChunkStore>,
    /// See `seeder`.
    pub gossip: ActorRef<Gossip>,
    /// See `seeder`.
    pub selector: ActorRef<Selector>,
    /// See `seeder`.
    pub tracker: ActorRef<Tracker>,
    links: watch::Sender<Option<Links<Router>>>,
    releases: Mutex<Releases>,
    holdings: Mutex<BTreeMap<ContentId, Holding>>,
    notices: Mutex<Notices>,
    /// Notices for those who listen over the admin API.
    pub news: broadcast::Sender<Notice>,
    /// What those see who look on over the admin API.
    pub looks: Looks,
    /// What the process cost a moment ago.
    pub process: ProcessCost,
    /// Other members that gossip knows to be up.
    pub members_up: AtomicU64,
    dial_error: Mutex<String>,
    /// What its data directory may hold, as it was set last.
    pub storage: Mutex<StorageConfig>,
    /// Reads the configuration again, where there is one.
    pub reload: Mutex<Option<Reload>>,
    /// Addresses of trackers that were given by name.
    found_trackers: Mutex<Vec<SocketAddr>>,
    seeds: AtomicU64,
    stopping: AtomicBool,
}

/// What [`Shared`] is made of.
pub struct Parts {
    /// See [`Shared::config`].
    pub config: NodeConfig,
    /// See [`Shared::me`].
    pub me: PeerId,
    /// See [`Shared::instance`].
    pub instance: u64,
    /// See [`Shared::address`]; it may change later.
    pub address: SocketAddr,
    /// See [`Shared::store`].
    pub store: Store,
    /// See [`Shared::data_plane`].
    pub data_plane: Handle,
    /// Where all random seeds come from.
    pub random_seed: u64,
}

/// Where compiled policies may be kept, the preferred place first.
fn cache_folders(parts: &Parts) -> Vec<PathBuf> {
    let own = parts.store.dir().join("policies");
    parts.config.policy.cache.clone().into_iter().chain([own]).collect()
}

impl Shared {
    /// A node without links yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Shared {
            own_labels: OwnLabels::new(&parts.config.labels),
            policies: Desk::new(
                cache_folders(&parts),
                parts.config.policy.limits,
                parts.config.policy.breaker,
            ),
            me: parts.me,
            instance: parts.instance,
            address: RwLock::new(parts.address),
            clock: Clock::start(),
            store: Arc::new(parts.store),
            metrics: Metrics::new(parts.config.count_metrics),
            data_plane: parts.data_plane,
            finder: Finder::default(),
            resolving: Resolving::default(),
            contents: RwLock::default(),
            catalogue: Catalogue::default(),
            live: RwLock::default(),
            stopped: Notify::new(),
            link_up: Notify::new(),
            seeder: ActorRef::default(),
            chunk_store: ActorRef::default(),
            gossip: ActorRef::default(),
            selector: ActorRef::default(),
            tracker: ActorRef::default(),
            links: watch::Sender::new(None),
            releases: Mutex::default(),
            holdings: Mutex::default(),
            notices: Mutex::default(),
            news: broadcast::Sender::new(MAX_NEWS),
            looks: Looks::default(),
            process: ProcessCost::default(),
            members_up: AtomicU64::new(0),
            dial_error: Mutex::default(),
            storage: Mutex::new(parts.config.storage),
            reload: Mutex::default(),
            found_trackers: Mutex::default(),
            seeds: AtomicU64::new(parts.random_seed),
            stopping: AtomicBool::new(false),
            config: parts.config,
        })
    }

    /// Gives the node its links, and takes them away at its end: they know the node as it knows them, and
    /// what is left of it would hold its data directory for ever.
    pub fn set_links(&self, links: Option<Links<Router>>) {
        self.links.send_replace(links);
    }

    /// The links; none before the node listens.
    pub fn links(&self) -> Option<Links<Router>> {
        self.links.borrow().clone()
    }

    /// The caps that hold now.
    pub fn limits(&self) -> NodeCaps {
        self.links().map_or_else(|| self.config.limits(), |links| links.limits())
    }

    /// The links, as soon as the node listens: the actors start before it does.
    pub async fn links_once_up(&self) -> Option<Links<Router>> {
        let mut links = self.links.subscribe();
        let up = links.wait_for(Option::is_some).await;
        up.ok().and_then(|links| links.clone())
    }

    /// Where others dial it.
    pub fn address(&self) -> SocketAddr {
        *self.address.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Others dial it at `address` from now on; where they did before.
    pub fn set_address(&self, address: SocketAddr) -> SocketAddr {
        let mut now = self.address.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut now, address)
    }

    /// A fresh random seed for a state machine.
    pub fn next_random_seed(&self) -> u64 {
        let number = self.seeds.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        samara_policy::Random::new(number).next_u64()
    }

    /// Whether the node takes part: it listens, and is not going down.
    pub fn is_ready(&self) -> bool {
        !self.is_stopping() && self.links.borrow().is_some()
    }

    /// Whether the node goes down: nobody is restarted any more.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The node goes down.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stopped.notify_waiters();
    }

    /// A content that this node takes part in.
    pub fn content(&self, content: &ContentId) -> Option<Arc<ContentState>> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner).get(content).cloned()
    }

    /// All contents that this node takes part in.
    pub fn contents_now(&self) -> Vec<Arc<ContentState>> {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.values().cloned().collect()
    }

    /// Names of trackers resolved to these addresses; whether any is new.
    pub fn trackers_found(&self, addresses: &[SocketAddr]) -> bool {
        let mut found = lock(&self.found_trackers);
        let before = found.len();
        for address in addresses {
            if !found.contains(address) && found.len() < MAX_FOUND {
                found.push(*address);
            }
        }
        found.len() > before
    }

    /// Addresses of trackers that were given by name, as far as they resolved.
    pub fn found_trackers(&self) -> Vec<SocketAddr> {
        lock(&self.found_trackers).clone()
    }

    /// The actor of a content.
    pub fn swarm(&self, content: &ContentId) -> Option<ActorRef<Swarm>> {
        self.content(content).map(|state| state.swarm.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
