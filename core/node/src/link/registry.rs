//! All links of a node: listening, dialling, and exactly one link per peer.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use samara_model::{BytesPerSecond, ContentId, Labels, PeerId, PeerMessage};
use samara_wire::handshake::{HandshakeDecoder, HandshakeError, Hello, TAKES_RELABELLED};
use samara_wire::number_labels;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::buffers::ReceiveMemory;
use super::connection::{self, Connection, Resources};
use super::counters::Counters;
use super::dial::{DialError, connect};
use super::duplicate::{Candidate, Existing, replaces};
use super::handle::{COMMAND_QUEUE, CloseReason, LinkHandle, Shared};
use super::limits::Throttles;
use super::low_water::Naps;
use super::shake::{ShakeError, acceptor_hello, dialler_hello, refuse, welcome};
use super::standing::{OwnLabels, Standing};
use super::storing::Storing;
use super::{LinkCommand, LinkConfig, LinkEvent, LinkId, LinkRouter};
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

/// A live link, and what is needed to judge a rival.
struct Entry {
    handle: LinkHandle,
    instance: u64,
    dial: u64,
    since: Instant,
}

/// Why a connection does not become a link.
enum Denied {
    /// There is a better one already.
    Kept(LinkHandle),
    Full,
    Stopped,
}

/// A connection after both sides said `Hello`.
#[derive(Clone, Copy)]
struct Greeted<'a> {
    remote: SocketAddr,
    hello: &'a Hello,
    dialled: bool,
    dial: u64,
    /// Which labels of this node the other side was told.
    told: u64,
}

/// A place in the registry, for a connection that becomes a link.
struct Admitted {
    handle: LinkHandle,
    commands: mpsc::Receiver<LinkCommand>,
    replaces: Option<Arc<Shared>>,
}

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

    fn live(&self, address: SocketAddr, expected: Option<PeerId>) -> Option<LinkHandle> {
        let links = self.links();
        let entry = match expected {
            Some(peer) => links.get(&peer)?,
            None => links.values().find(|entry| {
                let handle = &entry.handle;
                handle.dialled && handle.remote == address
            })?,
        };
        (!entry.handle.shared.is_closed()).then(|| entry.handle.clone())
    }

    /// The running attempt at `address`, or a new one.
    fn share_dial(self: &Arc<Self>, address: SocketAddr) -> watch::Receiver<Option<DialOutcome>> {
        let mut dials = self.dials.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = dials.get(&address) {
            return running.clone();
        }
        let (report, outcome) = watch::channel(None);
        dials.insert(address, outcome.clone());
        let inner = self.clone();
        self.runtime.spawn(async move {
            let outcome = inner.dial_until_stopped(address).await;
            inner.dials.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
            report.send_replace(Some(outcome));
        });
        outcome
    }

    async fn dial_until_stopped(self: &Arc<Self>, address: SocketAddr) -> DialOutcome {
        let limit = self.config.handshake_timeout;
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            outcome = timeout(limit, self.dial_once(address)) => outcome.unwrap_or_else(|_| {
                Err(DialError::TimedOut { address, seconds: limit.as_secs() })
            }),
            _ = stopped.wait_for(|stopped| *stopped) => Err(DialError::Shutdown { address }),
        }
    }

    async fn dial_once(self: &Arc<Self>, address: SocketAddr) -> DialOutcome {
        let mut stream = connect(address, receive_buffer(self.config.limits.all.down)).await?;
        let dial = self.next_dial.fetch_add(1, Ordering::Relaxed);
        let (ours, told) = self.hello(dial);
        let shaken = dialler_hello(&mut stream, &ours).await;
        let (hello, decoder) = shaken.map_err(|error| DialError::from_shake(address, error))?;
        let greeted = Greeted { remote: address, hello: &hello, dialled: true, dial, told };
        match self.admit(greeted) {
            Ok(admitted) => Ok(self.run(admitted, stream, welcome(), decoder)),
            Err(denied) => {
                let outcome = self.not_admitted(address, denied);
                let reason = match &outcome {
                    Ok(_) => "the two are connected already".into(),
                    Err(error) => error.to_string(),
                };
                refuse(&mut stream, &reason).await;
                outcome
            }
        }
    }

    fn not_admitted(&self, address: SocketAddr, denied: Denied) -> DialOutcome {
        match denied {
            Denied::Kept(existing) => Ok(existing),
            Denied::Full => Err(DialError::TooManyLinks { address, most: self.config.max_links }),
            Denied::Stopped => Err(DialError::Shutdown { address }),
        }
    }

    async fn accept(self: Arc<Self>, mut stream: TcpStream, remote: SocketAddr) {
        let (ours, told) = self.hello(0);
        let shaking = acceptor_hello(&mut stream, &ours, |theirs| self.objection(theirs));
        let error = match timeout(self.config.handshake_timeout, shaking).await {
            Ok(Ok((hello, decoder))) => {
                return self.accept_greeted(stream, remote, (&hello, told), decoder);
            }
            Ok(Err(ShakeError::Refused(error))) => error,
            Ok(Err(ShakeError::Broken(message))) => {
                return tracing::debug!(%remote, message, "a connection ended early");
            }
            Err(_) => return tracing::debug!(%remote, "a connection said nothing"),
        };
        // A dialler that is connected already says so, and that is no fault.
        if !matches!(error, HandshakeError::Refused { .. }) {
            self.router.deliver(LinkEvent::Refused { remote, error }).await;
        }
    }

    /// What this node has against a peer that is fine by itself.
    fn objection(&self, theirs: &Hello) -> Option<String> {
        let (links, most) = (self.links(), self.config.max_links);
        let full = links.len() >= most && !links.contains_key(&theirs.peer);
        full.then(|| format!("this node has its {most} links already"))
    }

    fn accept_greeted(
        self: Arc<Self>,
        stream: TcpStream,
        remote: SocketAddr,
        (hello, told): (&Hello, u64),
        decoder: HandshakeDecoder,
    ) {
        match self.admit(Greeted { remote, hello, dialled: false, dial: hello.dial, told }) {
            Ok(admitted) => {
                self.run(admitted, stream, Vec::new(), decoder);
            }
            Err(Denied::Full) => {
                tracing::warn!(%remote, "refused: this node has all the links it may have");
            }
            Err(_) => tracing::debug!(%remote, "a second connection to one peer is dropped"),
        }
    }

    /// Decides whether the connection becomes a link, and enters it if so.
    fn admit(&self, greeted: Greeted<'_>) -> Result<Admitted, Denied> {
        let Greeted { remote, hello, dialled, dial, told } = greeted;
        let here = number_labels(&self.labels.read().0).place();
        let mut links = self.links();
        if *self.stopped.borrow() {
            return Err(Denied::Stopped);
        }
        let replaced = match links.get(&hello.peer) {
            Some(rival) if rival.handle.shared.is_closed() => Some(rival.handle.shared.clone()),
            Some(rival) if !self.replaces(&greeted, rival) => {
                return Err(Denied::Kept(rival.handle.clone()));
            }
            Some(rival) => Some(rival.handle.shared.clone()),
            None if links.len() >= self.config.max_links => return Err(Denied::Full),
            None => None,
        };
        let (sender, commands) = mpsc::channel(COMMAND_QUEUE);
        let handle = LinkHandle {
            id: LinkId(self.next_link.fetch_add(1, Ordering::Relaxed)),
            peer: hello.peer,
            address: dialable(hello, remote),
            remote,
            dialled,
            shared: Shared::new(
                sender,
                Counters::within(self.counters.clone()),
                Standing::new(here, hello),
            ),
        };
        let entry =
            Entry { handle: handle.clone(), instance: hello.instance, dial, since: Instant::now() };
        links.insert(hello.peer, entry);
        drop(links);
        self.labels.catch_up(&handle, told);
        if let Some(replaced) = &replaced {
            replaced.close(CloseReason::Replaced);
        }
        Ok(Admitted { handle, commands, replaces: replaced })
    }

    fn replaces(&self, greeted: &Greeted<'_>, rival: &Entry) -> bool {
        let Greeted { hello, dialled, dial, .. } = *greeted;
        let candidate = Candidate { instance: hello.instance, dialled, dial };
        let existing = Existing {
            instance: rival.instance,
            dialled: rival.handle.dialled,
            dial: rival.dial,
            age: rival.since.elapsed(),
        };
        replaces(&candidate, &existing, &self.identity.peer, &hello.peer)
    }

    /// Starts a link. `greeting` goes out first.
    fn run(
        self: &Arc<Self>,
        admitted: Admitted,
        stream: TcpStream,
        greeting: Vec<u8>,
        decoder: HandshakeDecoder,
    ) -> LinkHandle {
        let Admitted { handle, commands, replaces } = admitted;
        let (received, connected) = (decoder.into_rest(), handle.clone());
        let connection = Connection { stream, handle, commands, greeting, received, replaces };
        let handle = connected;
        let (inner, id, peer) = (self.clone(), handle.id, handle.peer);
        let forget = move || {
            let mut links = inner.links();
            if links.get(&peer).is_some_and(|entry| entry.handle.id == id) {
                links.remove(&peer);
            }
        };
        let (router, resources) = (self.router.clone(), self.resources.clone());
        let running = connection::run(connection, router, resources, self.config.clone(), forget);
        self.runtime.spawn(running);
        handle
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

async fn accept_all<R: LinkRouter>(listener: tokio::net::TcpListener, inner: Arc<Inner<R>>) {
    let mut stopped = inner.stopped.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match accepted {
            Ok((stream, remote)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(inner.clone().accept(stream, unmapped(remote)));
            }
            Err(error) => {
                // Mostly no file descriptor is free; that passes.
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// The peer's own word, or where it comes from with its listen port.
fn dialable(hello: &Hello, remote: SocketAddr) -> SocketAddr {
    let advertised = hello.advertise.filter(|at| !at.ip().is_unspecified() && at.port() != 0);
    advertised.unwrap_or(SocketAddr::new(remote.ip(), hello.listen_port))
}

/// An IPv4 address that came in through a dual-stack socket, as IPv4.
fn unmapped(remote: SocketAddr) -> SocketAddr {
    SocketAddr::new(remote.ip().to_canonical(), remote.port())
}

/// With a cap on receiving, a socket's buffer holds about 30 ms of it, so that the sender feels the cap;
/// without one, the system chooses.
fn receive_buffer(limit_down: Option<BytesPerSecond>) -> Option<u32> {
    let rate = limit_down?.0;
    Some(u32::try_from(rate * 3 / 100).unwrap_or(u32::MAX).max(64 << 10))
}
