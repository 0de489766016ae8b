//! All links of a node: listening, dialling, and exactly one link per peer.

mod accepting;
mod admission;
mod dialling;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use samara_model::{BytesPerSecond, ContentId, Labels, PeerId, PeerMessage};
use samara_wire::handshake::{Hello, TAKES_RELABELLED};
use tokio::runtime::Handle;
use tokio::sync::watch;

use accepting::accept_all;
use admission::Entry;

use super::buffers::ReceiveMemory;
use super::connection::Resources;
use super::counters::Counters;
use super::dial::DialError;
use super::handle::{CloseReason, LinkHandle};
use super::limits::Throttles;
use super::low_water::Naps;
use super::standing::OwnLabels;
use super::storing::Storing;
use super::{LinkCommand, LinkConfig, LinkRouter};
use crate::api::NodeCaps;

/// Who this node is, as it tells others.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Only nodes of one cluster talk to each other; 1 to 64 bytes.
    pub cluster: String,
    /// This node.
    pub peer: PeerId,
    /// Drawn at each start of the process.
    pub instance: u64,
    /// The address that others dial, when the node was told one.
    pub advertise: Option<SocketAddr>,
    /// What its operator says of it, at first; see [`Links::set_labels`].
    pub labels: Labels,
}

/// The links of a node. Cheap to clone; all clones are one registry. Its methods may be called from any
/// thread and any runtime; the work is done on the runtime on which it was started.
pub struct Links<R>(Arc<Inner<R>>);

impl<R> Clone for Links<R> {
    fn clone(&self) -> Self {
        Links(self.0.clone())
    }
}

struct Inner<R> {
    identity: Identity,
    config: LinkConfig,
    router: R,
    runtime: Handle,
    local: SocketAddr,
    resources: Arc<Resources<R>>,
    /// The caps that hold now.
    limits: Mutex<NodeCaps>,
    /// What is said of this node now.
    labels: OwnLabels,
    counters: Arc<Counters>,
    links: Mutex<HashMap<PeerId, Entry>>,
    dials: Mutex<HashMap<SocketAddr, watch::Receiver<Option<DialOutcome>>>>,
    next_link: AtomicU64,
    next_dial: AtomicU64,
    stopped: watch::Sender<bool>,
}

type DialOutcome = Result<LinkHandle, DialError>;

impl<R: LinkRouter> Links<R> {
    /// Listens on `tcp` and accepts links from now on.
    ///
    /// # Errors
    /// When the listener cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime: the one it is called on does the work.
    pub fn start(
        tcp: TcpListener,
        identity: Identity,
        config: LinkConfig,
        router: R,
    ) -> io::Result<Self> {
        tcp.set_nonblocking(true)?;
        let local = tcp.local_addr()?;
        if let Some(size) = receive_buffer(config.limits.all.down) {
            socket2::SockRef::from(&tcp).set_recv_buffer_size(size as usize)?;
        }
        let listener = tokio::net::TcpListener::from_std(tcp)?;
        let resources = Arc::new(Resources {
            storing: Storing::new(),
            naps: Arc::default(),
            memory: ReceiveMemory::new(config.receive_memory),
            up: Throttles::new(&config.limits, |caps| caps.up),
            down: Throttles::new(&config.limits, |caps| caps.down),
        });
        let limits = Mutex::new(config.limits);
        let inner = Arc::new(Inner {
            limits,
            labels: OwnLabels::new(identity.labels.clone()),
            identity,
            config,
            router,
            runtime: Handle::current(),
            local,
            resources,
            counters: Arc::default(),
            links: Mutex::default(),
            dials: Mutex::default(),
            next_link: AtomicU64::new(1),
            next_dial: AtomicU64::new(1),
            stopped: watch::Sender::new(false),
        });
        tokio::spawn(accept_all(listener, inner.clone()));
        Ok(Links(inner))
    }

    /// Connects to `address`. Whoever asks for the same address meanwhile shares the attempt; a live
    /// link to `expected`, or one that was dialled at this address, is returned as it is.
    ///
    /// # Errors
    /// When nobody is there, or somebody with whom there can be no link.
    pub async fn dial(
        &self,
        address: SocketAddr,
        expected: Option<PeerId>,
    ) -> Result<LinkHandle, DialError> {
        if let Some(live) = self.0.live(address, expected) {
            return Ok(live);
        }
        let mut outcome = self.0.share_dial(address);
        let outcome = match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        let link = outcome.unwrap_or(Err(DialError::Shutdown { address }))?;
        match expected {
            Some(expected) if expected != link.peer => {
                Err(DialError::OtherPeer { address, expected, found: link.peer })
            }
            _ => Ok(link),
        }
    }

    /// The links of this moment.
    pub fn links(&self) -> Vec<LinkHandle> {
        self.0.links().values().map(|entry| entry.handle.clone()).collect()
    }

    /// The link to a peer.
    pub fn link_to(&self, peer: &PeerId) -> Option<LinkHandle> {
        self.0.links().get(peer).map(|entry| entry.handle.clone())
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.local
    }

    /// Bytes and chunks of all links, past ones included.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.0.counters
    }

    /// Where to say that the thread that runs the links naps for long moments.
    pub fn naps(&self) -> &Arc<Naps> {
        &self.0.resources.naps
    }

    /// Other caps from now on.
    pub fn set_limits(&self, limits: &NodeCaps) {
        self.0.resources.up.set(limits, |caps| caps.up);
        self.0.resources.down.set(limits, |caps| caps.down);
        *self.0.limits.lock().unwrap_or_else(PoisonError::into_inner) = *limits;
    }

    /// The operator says something else of this node from now on; the peers of all links are told.
    pub fn set_labels(&self, labels: Labels) {
        self.0.labels.change(labels, || self.links());
    }

    /// Gives a content another share of what is sent where the cap makes links wait, and of each link; 1 is usual.
    pub fn set_priority(&self, content: ContentId, priority: u32) {
        self.0.resources.up.set_priority(content, priority);
    }

    /// The caps that hold now.
    pub fn limits(&self) -> NodeCaps {
        *self.0.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops listening and dialling, says `Bye` on every link after what it still has to say, and waits
    /// until the last has reported its end.
    pub async fn shutdown(&self) {
        self.0.stopped.send_replace(true);
        let links = self.links();
        for link in &links {
            // A link that cannot take a command has ended or is closed by it.
            let _ = link.command(LinkCommand::Send { content: None, message: PeerMessage::Bye });
            let _ = link.command(LinkCommand::Close(CloseReason::Shutdown));
        }
        for link in &links {
            link.shared.wait_until_ended().await;
        }
    }
}

impl<R: LinkRouter> Inner<R> {
    fn links(&self) -> MutexGuard<'_, HashMap<PeerId, Entry>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this node says of itself, and which labels these are.
    fn hello(&self, dial: u64) -> (Hello, u64) {
        let (labels, told) = self.labels.read();
        let hello = Hello {
            cluster: self.identity.cluster.clone(),
            peer: self.identity.peer,
            instance: self.identity.instance,
            dial,
            advertise: self.identity.advertise,
            listen_port: self.local.port(),
            capabilities: TAKES_RELABELLED,
            labels,
            software: concat!("samara ", env!("CARGO_PKG_VERSION")).into(),
        };
        (hello, told)
    }
}

/// With a cap on receiving, a socket's buffer holds about 30 ms of it, so that the sender feels the cap;
/// without one, the system chooses.
fn receive_buffer(limit_down: Option<BytesPerSecond>) -> Option<u32> {
    let rate = limit_down?.0;
    Some(u32::try_from(rate * 3 / 100).unwrap_or(u32::MAX).max(64 << 10))
}
