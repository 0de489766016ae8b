//! The gossip endpoint, the member list, the content table and the full-state exchange: drives
//! `samara_engine::gossip`. Also answers `Find`, from its table and from what this node has itself; it does
//! so with gossip switched off, too, when the machine neither sends nor hears anything.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use samara_engine::gossip::{
    Gossip as Machine, GossipConfig, GossipEvent, GossipInput, GossipOutput, HolderView, Member,
    MemberState, MemberView,
};
use samara_engine::swarm::SwarmInput;
use samara_model::{ContentId, MemberRecord, PeerHint, PeerId, PeerMessage, Release, ReleaseName};
use tokio::sync::oneshot;

use crate::api::Notice;
use crate::finder::Found;
use crate::link::{LinkCommand, LinkHandle, LinkId};
use crate::metrics::Direction;
use crate::shared::Shared;
use crate::supervise::{Alive, Told};
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

/// How often it tells how it is.
const PULSE: Duration = Duration::from_secs(1);
/// Holders in one answer.
const MAX_HOLDERS: usize = 64;

/// What the gossip actor is told.
pub enum GossipMessage {
    /// A datagram of this cluster.
    Datagram {
        /// Where from.
        from: SocketAddr,
        /// Its payload.
        bytes: Vec<u8>,
    },
    /// A link stands.
    PeerSeen {
        /// To whom.
        peer: PeerId,
        /// Where it can be dialled.
        address: SocketAddr,
    },
    /// A link ended.
    LinkEnded {
        /// Of whom.
        address: SocketAddr,
    },
    /// A link for an exchange stands.
    ExchangeReady {
        /// The link.
        handle: LinkHandle,
    },
    /// There is no link for an exchange.
    ExchangeFailed {
        /// Where it was tried.
        address: SocketAddr,
    },
    /// A full state came.
    FullState {
        /// Who sent it.
        from: PeerId,
        /// It wants ours.
        reply: bool,
        /// Members.
        members: Vec<u8>,
        /// Who holds what.
        table: Vec<MemberRecord>,
        /// Releases.
        releases: Vec<Release>,
    },
    /// [`Shared::holdings`] changed.
    HoldingsChanged,
    /// A release was published here, or learned in another way.
    ReleaseAdded(Release),
    /// Somebody asks.
    Find {
        /// On which link.
        link: LinkId,
        /// Echoed.
        token: u32,
        /// What does this name mean?
        release: Option<ReleaseName>,
        /// Who has this?
        content: Option<ContentId>,
    },
    /// This node asks.
    LookUp {
        /// What does this name mean?
        release: Option<ReleaseName>,
        /// Who has this?
        content: Option<ContentId>,
        /// The answer.
        answer: oneshot::Sender<Found>,
    },
    /// Who holds a content, with the age of the news.
    Holders {
        /// The content.
        content: ContentId,
        /// The answer.
        answer: oneshot::Sender<Vec<HolderView>>,
    },
    /// Who is up.
    Members {
        /// The answer; none with gossip off.
        answer: oneshot::Sender<Option<Vec<MemberView>>>,
    },
    /// This node has another address: everybody is to be told.
    Moved,
    /// [`Shared::labels`] changed.
    Relabelled,
    /// The node stops.
    Leave,
    /// For tests of the supervision.
    Panic,
}

/// The actor. See the module.
pub struct Gossip {
    shared: Arc<Shared>,
    machine: Machine,
    /// How often this node got another address; the timers of the machine before are not for this one.
    moves: u64,
    socket: Arc<UdpSocket>,
    cluster: samara_wire::ClusterHash,
    on: bool,
    _alive: Alive,
}

impl Gossip {
    /// An incarnation; `socket` is non-blocking.
    pub fn new(shared: Arc<Shared>, socket: Arc<UdpSocket>, alive: Alive) -> Self {
        let machine = machine(&shared, 0);
        let cluster = samara_wire::cluster_hash(&shared.config.cluster);
        let on = shared.config.discovery.gossip;
        Gossip { shared, machine, moves: 0, socket, cluster, on, _alive: alive }
    }

    fn input(&mut self, input: GossipInput, ctx: &mut Context<Self>) {
        let mut outputs = Vec::new();
        self.machine.handle(self.shared.clock.now(), input, &mut outputs);
        self.shared.members_up.store(self.machine.up_count() as u64, Relaxed);
        for output in outputs {
            self.carry_out(output, ctx);
        }
    }

    fn carry_out(&mut self, output: GossipOutput, ctx: &mut Context<Self>) {
        match output {
            GossipOutput::SendDatagram { to, bytes } => self.send_datagram(to, &bytes),
            GossipOutput::ExchangeWith { address, peer } => self.exchange_with(address, peer),
            GossipOutput::AnswerExchange { peer, message } => self.answer(peer, message),
            GossipOutput::StartTimer { token, after } => {
                let moves = self.moves;
                ctx.run_later(after, move |gossip, ctx| {
                    if gossip.moves == moves {
                        gossip.input(GossipInput::TimerFired { token }, ctx);
                    }
                });
            }
            GossipOutput::Report(event) => self.report(event),
        }
    }

    /// Starts anew under another address, as a later incarnation that wins over what the members remember.
    fn moved(&mut self, ctx: &mut Context<Self>) {
        self.moves += 1;
        self.machine = machine(&self.shared, self.moves);
        self.begin(ctx);
    }

    /// The machine tells the others where this node stands now.
    fn follow_place(&mut self, ctx: &mut Context<Self>) {
        let place = self.shared.place();
        self.input(GossipInput::PlaceChanged { place }, ctx);
    }

    /// Tells the machine everything that this node knows.
    fn begin(&mut self, ctx: &mut Context<Self>) {
        let join = if self.on { self.shared.config.join.clone() } else { Vec::new() };
        self.input(GossipInput::Started { join }, ctx);
        self.follow_place(ctx);
        for release in self.shared.releases() {
            self.input(GossipInput::ReleaseAdded(release), ctx);
        }
        let holdings = self.shared.holdings();
        self.input(GossipInput::HoldingsChanged { holdings }, ctx);
        if self.on {
            for handle in self.shared.live_links() {
                let (peer, address) = (handle.peer, handle.address);
                self.input(GossipInput::PeerSeen { peer, address }, ctx);
            }
        }
    }

    /// A datagram that the system does not take now is lost, like any other.
    fn send_datagram(&self, to: SocketAddr, bytes: &[u8]) {
        if self.on
            && let Ok(datagram) = samara_wire::wrap_datagram(self.cluster, bytes)
        {
            let _ = self.socket.send_to(&datagram, self.reachable(to));
            self.shared.metrics.gossip_datagram(Direction::Sent, datagram.len());
        }
    }

    /// An IPv6 socket reaches IPv4 by mapped addresses.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match (self.socket.local_addr(), to) {
            (Ok(SocketAddr::V6(_)), SocketAddr::V4(v4)) => {
                SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
            }
            _ => to,
        }
    }

    fn exchange_with(&self, address: SocketAddr, peer: Option<PeerId>) {
        if !self.on {
            return;
        }
        let shared = self.shared.clone();
        self.shared.data_plane.spawn(async move {
            let Some(links) = shared.links_once_up().await else { return };
            let message = match links.dial(address, peer).await {
                Ok(handle) => GossipMessage::ExchangeReady { handle },
                Err(_) => GossipMessage::ExchangeFailed { address },
            };
            shared.gossip.deliver(message).await;
        });
    }

    fn answer(&self, peer: PeerId, message: PeerMessage) {
        let link = self.shared.live_links().into_iter().find(|link| link.peer == peer);
        if let Some(link) = link {
            self.shared.metrics.gossip_exchange(Direction::Sent);
            let _ = link.command(LinkCommand::Send { content: None, message });
        }
    }

    /// Tells the metrics how it is, and that the actors' thread runs.
    fn pulse(&self) {
        let (pulse, now) = (&self.shared.metrics.pulse, self.shared.clock.now());
        let members = self.machine.members(now);
        let count = |state| members.iter().filter(|one| one.state == state).count() as u64;
        pulse.alive.store(count(MemberState::Alive), Relaxed);
        pulse.suspect.store(count(MemberState::Suspect), Relaxed);
        pulse.down.store(count(MemberState::Down), Relaxed);
        pulse.backlog.store(self.machine.backlog() as u64, Relaxed);
        pulse.beat.set(now);
        self.shared.metrics.upkeep();
    }

    fn heard(&self) {
        self.shared.metrics.pulse.heard.set(self.shared.clock.now());
    }

    fn report(&self, event: GossipEvent) {
        match event {
            GossipEvent::MemberUp(peer, address) => {
                tracing::info!(peer = %peer.short(), %address, "member up")
            }
            GossipEvent::MemberDown(peer) => tracing::info!(peer = %peer.short(), "member down"),
            GossipEvent::ReleaseLearned(release) => {
                self.shared.tracker.tell(TrackerMessage::ReleaseAdded(release.clone()));
                if let Err(conflict) = self.shared.add_release(&release) {
                    self.shared.notify(Notice::ReleaseRefused { why: conflict.to_string() });
                }
            }
            GossipEvent::ReleaseConflict(conflict) => {
                self.shared.notify(Notice::ReleaseRefused { why: conflict.to_string() })
            }
            GossipEvent::HoldersChanged(content) => self.hint(content),
            GossipEvent::SameIdElsewhere(address) => self.shared.notify(Notice::Warning(format!(
                "the node at {address} has the same id as this one ({}); was the data directory \
                 copied? Stop one of the two and remove identity.key from its data directory",
                self.shared.me
            ))),
        }
    }

    /// Tells the swarm of a content who holds something of it.
    fn hint(&self, content: ContentId) {
        let Some(swarm) = self.shared.swarm(&content) else { return };
        let hints = self.machine.holders(&content, self.shared.clock.now());
        let hints = hints.iter().map(hint_of).collect();
        swarm.tell(SwarmMessage::Input(SwarmInput::HintsReceived(hints)));
    }

    /// Everything that is known here.
    fn find(&self, release: Option<&ReleaseName>, content: Option<ContentId>) -> Found {
        let release = release.and_then(|name| {
            self.shared.release(name).or_else(|| self.machine.release(name).cloned())
        });
        let content = content.or(release.as_ref().map(|release| release.content));
        let holders = content.map_or(Vec::new(), |content| self.holders(&content));
        Found { release, holders }
    }

    fn holders(&self, content: &ContentId) -> Vec<PeerHint> {
        let mut holders: Vec<PeerHint> = self.shared.own_hint(content).into_iter().collect();
        if let Some(state) = self.shared.content(content) {
            let rows = state.rows(self.shared.clock.now());
            holders.extend(rows.iter().map(|row| PeerHint {
                peer: row.peer,
                address: row.address,
                permille: row.permille,
                place: row.place,
            }));
        }
        let table = self.machine.holders(content, self.shared.clock.now());
        for hint in table.iter().map(hint_of) {
            if holders.iter().all(|known| known.peer != hint.peer) {
                holders.push(hint);
            }
        }
        holders.truncate(MAX_HOLDERS);
        holders
    }
}

/// A machine that knows nothing yet. A later incarnation must win over what the members remember of the one before.
fn machine(shared: &Shared, moves: u64) -> Machine {
    let restarts = shared.metrics.restarts_of(crate::api::ActorName::Gossip);
    let (instance, address) = (shared.instance + restarts + moves, shared.address());
    let me = Member { peer: shared.me, instance, address };
    Machine::new(GossipConfig::default(), me, shared.next_random_seed()).with_place(shared.place())
}

fn hint_of(view: &HolderView) -> PeerHint {
    let HolderView { peer, address, place, permille, .. } = *view;
    PeerHint { peer, address, permille, place }
}

impl Actor for Gossip {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.begin(ctx);
        self.pulse();
        ctx.run_interval(PULSE, |gossip, _| gossip.pulse());
    }
}

impl Handler<Told<GossipMessage>> for Gossip {
    type Result = ();

    fn handle(&mut self, told: Told<GossipMessage>, ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        match message {
            GossipMessage::Datagram { from, bytes } if self.on => {
                self.shared.metrics.gossip_datagram(Direction::Received, bytes.len());
                self.heard();
                self.input(GossipInput::DatagramReceived { from, bytes }, ctx)
            }
            GossipMessage::PeerSeen { peer, address } if self.on => {
                self.input(GossipInput::PeerSeen { peer, address }, ctx)
            }
            GossipMessage::LinkEnded { address } | GossipMessage::ExchangeFailed { address }
                if self.on =>
            {
                self.input(GossipInput::ExchangeFailed { address }, ctx)
            }
            GossipMessage::FullState { from, reply, members, table, releases } if self.on => {
                self.shared.metrics.gossip_exchange(Direction::Received);
                self.heard();
                let input =
                    GossipInput::FullStateReceived { from, reply, members, table, releases };
                self.input(input, ctx);
            }
            GossipMessage::ExchangeReady { handle } => {
                let message = self.machine.full_state(true);
                self.shared.metrics.gossip_exchange(Direction::Sent);
                let _ = handle.command(LinkCommand::Send { content: None, message });
            }
            GossipMessage::HoldingsChanged => {
                let holdings = self.shared.holdings();
                self.input(GossipInput::HoldingsChanged { holdings }, ctx);
            }
            GossipMessage::ReleaseAdded(release) => {
                self.input(GossipInput::ReleaseAdded(release), ctx)
            }
            GossipMessage::Find { link, token, release, content } => {
                let Found { release, holders } = self.find(release.as_ref(), content);
                if let Some(handle) = self.shared.link(link) {
                    let message = PeerMessage::Found { token, release, holders };
                    let _ = handle.command(LinkCommand::Send { content: None, message });
                }
            }
            GossipMessage::LookUp { release, content, answer } => {
                let _ = answer.send(self.find(release.as_ref(), content));
            }
            GossipMessage::Holders { content, answer } => {
                let _ = answer.send(self.machine.holders(&content, self.shared.clock.now()));
            }
            GossipMessage::Members { answer } => {
                let now = self.shared.clock.now();
                let _ = answer.send(self.on.then(|| self.machine.members(now)));
            }
            GossipMessage::Moved => self.moved(ctx),
            GossipMessage::Relabelled => self.follow_place(ctx),
            GossipMessage::Leave if self.on => self.input(GossipInput::Left, ctx),
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            GossipMessage::Panic => panic!("injected into gossip"),
            // Gossip is switched off.
            _ => {}
        }
    }
}
