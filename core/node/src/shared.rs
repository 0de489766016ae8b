//! What all parts of one node share: who it is, its store and sockets, and how to reach its actors.
//!
//! Nothing here decides anything. What an actor must find again after a restart is here or in the store;
//! everything else belongs to the actor.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};

use samara_engine::swarm::SwarmInput;
use std::time::{Duration, Instant};

use samara_model::{
    ContentId, Holding, LabelNumbers, PeerHint, PeerId, Release, ReleaseConflict, ReleaseName,
    conflict_between,
};
use samara_store::Store;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use crate::api::{NodeConfig, Notice};
use crate::chunk_store_actor::ChunkStore;
use crate::clock::Clock;
use crate::content_state::ContentState;
use crate::finder::Finder;
use crate::gossip_actor::Gossip;
use crate::link::{LinkHandle, LinkId, Links};
use crate::metrics::Metrics;
use crate::router::Router;
use crate::seeder_actor::Seeder;
use crate::selector_actor::Selector;
use crate::supervise::ActorRef;
use crate::swarm_actor::{Swarm, SwarmMessage};
use crate::tracker_actor::Tracker;

/// Notices that wait for somebody to read them; later ones are dropped.
const MAX_NOTICES: usize = 1024;
/// An address whose connections are refused is named again after this time.
const REFUSED_AGAIN: Duration = Duration::from_secs(30);
/// Addresses that are named within that time, at most.
const MAX_REFUSED: usize = 64;

/// One node, seen from its parts.
pub struct Shared {
    /// As it was set up.
    pub config: NodeConfig,
    /// Who it is.
    pub me: PeerId,
    /// Which start of the node this is.
    pub instance: u64,
    /// Where others dial it.
    pub address: SocketAddr,
    /// What its operator says of it, as numbers.
    pub labels: LabelNumbers,
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
    /// What this node takes part in.
    pub contents: RwLock<HashMap<ContentId, Arc<ContentState>>>,
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
    releases: Mutex<BTreeMap<ReleaseName, Release>>,
    holdings: Mutex<BTreeMap<ContentId, Holding>>,
    notices: Mutex<Notices>,
    dial_error: Mutex<String>,
    seeds: AtomicU64,
    stopping: AtomicBool,
}

/// A link and the contents that were opened on it.
pub struct LiveLink {
    /// The link.
    pub handle: LinkHandle,
    /// Contents that either side opened.
    pub contents: Vec<ContentId>,
}

#[derive(Default)]
struct Notices {
    early: Vec<Notice>,
    sender: Option<mpsc::SyncSender<Notice>>,
    /// When each address was last named as refused.
    refused: HashMap<IpAddr, Instant>,
}

/// What [`Shared`] is made of.
pub struct Parts {
    /// See [`Shared::config`].
    pub config: NodeConfig,
    /// See [`Shared::me`].
    pub me: PeerId,
    /// See [`Shared::instance`].
    pub instance: u64,
    /// See [`Shared::address`].
    pub address: SocketAddr,
    /// See [`Shared::store`].
    pub store: Store,
    /// See [`Shared::data_plane`].
    pub data_plane: Handle,
    /// Where all random seeds come from.
    pub random_seed: u64,
}

impl Shared {
    /// A node without links yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Shared {
            labels: samara_wire::number_labels(&parts.config.labels),
            config: parts.config,
            me: parts.me,
            instance: parts.instance,
            address: parts.address,
            clock: Clock::start(),
            store: Arc::new(parts.store),
            metrics: Metrics::new(),
            data_plane: parts.data_plane,
            finder: Finder::default(),
            contents: RwLock::default(),
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
            dial_error: Mutex::default(),
            seeds: AtomicU64::new(parts.random_seed),
            stopping: AtomicBool::new(false),
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

    /// The links, as soon as the node listens: the actors start before it does.
    pub async fn links_once_up(&self) -> Option<Links<Router>> {
        let mut links = self.links.subscribe();
        let up = links.wait_for(Option::is_some).await;
        up.ok().and_then(|links| links.clone())
    }

    /// A fresh random seed for a state machine.
    pub fn next_random_seed(&self) -> u64 {
        let number = self.seeds.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        samara_policy::Random::new(number).next_u64()
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

    /// The actor of a content.
    pub fn swarm(&self, content: &ContentId) -> Option<ActorRef<Swarm>> {
        self.content(content).map(|state| state.swarm.clone())
    }

    /// A live link.
    pub fn link(&self, link: LinkId) -> Option<LinkHandle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(&link).map(|one| one.handle.clone())
    }

    /// Notes that a content is open on a link; false when the link has ended. Its `Disconnected`, which
    /// takes it out again, comes after it is marked as closed, so nothing stays behind.
    pub fn opened_on(&self, handle: &LinkHandle, content: ContentId) -> bool {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if handle.is_closed() {
            return false;
        }
        let one = live
            .entry(handle.id)
            .or_insert_with(|| LiveLink { handle: handle.clone(), contents: Vec::new() });
        if !one.contents.contains(&content) {
            one.contents.push(content);
        }
        true
    }

    /// The other side of a link does not take part in a content any more.
    pub fn closed_on(&self, link: LinkId, content: &ContentId) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = live.get_mut(&link) {
            one.contents.retain(|open| open != content);
        }
    }

    /// All live links.
    pub fn live_links(&self) -> Vec<LinkHandle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.values().map(|one| one.handle.clone()).collect()
    }

    /// The links on which a content is open.
    pub fn links_of(&self, content: &ContentId) -> Vec<LinkHandle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let of = live.values().filter(|one| one.contents.contains(content));
        of.map(|one| one.handle.clone()).collect()
    }

    /// Tells whoever watches the node.
    pub fn notify(&self, notice: Notice) {
        let mut notices = lock(&self.notices);
        if let Some(sender) = &notices.sender {
            if let Err(mpsc::TrySendError::Disconnected(_)) = sender.try_send(notice) {
                notices.sender = None;
            }
        } else if notices.early.len() < MAX_NOTICES {
            notices.early.push(notice);
        }
    }

    /// Tells that a connection was refused; once in a while per address, however often it tries.
    pub fn notify_refused(&self, remote: SocketAddr, why: &dyn std::fmt::Display) {
        let now = Instant::now();
        {
            let mut notices = lock(&self.notices);
            notices.refused.retain(|_, at| now.duration_since(*at) < REFUSED_AGAIN);
            let full = notices.refused.len() >= MAX_REFUSED;
            if full || notices.refused.contains_key(&remote.ip()) {
                return;
            }
            notices.refused.insert(remote.ip(), now);
        }
        self.notify(Notice::Warning(format!("a connection from {remote} was refused: {why}")));
    }

    /// From now on notices go to a new receiver, the ones that waited first.
    pub fn watch_notices(&self) -> mpsc::Receiver<Notice> {
        let (sender, receiver) = mpsc::sync_channel(MAX_NOTICES);
        let mut notices = lock(&self.notices);
        for early in notices.early.drain(..) {
            let _ = sender.try_send(early);
        }
        notices.sender = Some(sender);
        receiver
    }

    /// A join address did not answer.
    pub fn dial_failed(&self, why: String) {
        *lock(&self.dial_error) = why;
    }

    /// Why the last attempt to join failed.
    pub fn last_dial_error(&self) -> String {
        let why = lock(&self.dial_error).clone();
        if why.is_empty() { "no join address was given".into() } else { why }
    }

    /// The bytes of a content changed or are gone: nothing of it is served any more, and everybody is told.
    pub fn withdraw(&self, state: &ContentState, path: PathBuf) {
        if !state.set_withdrawn() {
            return;
        }
        if let Some(stored) = state.stored() {
            stored.withdraw();
        }
        let content = state.content;
        self.hold(content, None);
        state.swarm.tell(SwarmMessage::Input(SwarmInput::ContentWithdrawn));
        tracing::error!(%content, path = %path.display(), "changed underneath; no longer served");
        self.notify(Notice::SourceChanged { content, path });
    }

    /// Remembers a release; the first of a name and version stays.
    ///
    /// # Errors
    /// When the version is known with another content.
    pub fn add_release(&self, release: &Release) -> Result<(), ReleaseConflict> {
        let mut releases = lock(&self.releases);
        if let Some(known) = releases.get(&release.release) {
            return conflict_between(known, release).map_or(Ok(()), Err);
        }
        releases.insert(release.release.clone(), release.clone());
        Ok(())
    }

    /// A release that this node knows.
    pub fn release(&self, name: &ReleaseName) -> Option<Release> {
        lock(&self.releases).get(name).cloned()
    }

    /// All releases that this node published or fetched by name.
    pub fn releases(&self) -> Vec<Release> {
        lock(&self.releases).values().cloned().collect()
    }

    /// What this node holds, for gossip and trackers.
    pub fn holdings(&self) -> Vec<Holding> {
        lock(&self.holdings).values().copied().collect()
    }

    /// Notes how much of a content is here, and tells gossip and tracker when it is news. `None`: nothing
    /// any more.
    pub fn hold(&self, content: ContentId, holding: Option<Holding>) {
        let is_news = {
            let mut holdings = lock(&self.holdings);
            let before = match holding {
                Some(holding) => holdings.insert(content, holding),
                None => holdings.remove(&content),
            };
            match (before, holding) {
                (Some(before), Some(now)) => {
                    before.permille / 63 != now.permille / 63 || before.fetching != now.fetching
                }
                (before, now) => before.is_some() != now.is_some(),
            }
        };
        if is_news {
            self.gossip.tell(crate::gossip_actor::GossipMessage::HoldingsChanged);
            self.tracker.tell(crate::tracker_actor::TrackerMessage::HoldingsChanged);
        }
    }

    /// This node as a holder, when it has something of a content.
    pub fn own_hint(&self, content: &ContentId) -> Option<PeerHint> {
        let holding = lock(&self.holdings).get(content).copied()?;
        let (peer, address, place) = (self.me, self.address, self.labels.place());
        Some(PeerHint { peer, address, permille: holding.permille, place })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
