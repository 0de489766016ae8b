//! One content on one peer: what is here, what each neighbour has, what is on its way, and what to do next.
//!
//! The driver (the node's `Swarm` actor, or the simulator) feeds [`SwarmInput`]s and carries out
//! [`SwarmOutput`]s. The way of one chunk: a slot becomes free, the policy is asked whom to offer what, the
//! receiver accepts one or two candidates, they are served, the receiver verifies and stores each and tells its
//! neighbours. The origin's first pass leaves the offer out: it pushes each chunk once.
//!
//! Deliberately not here: which receiver and which chunk (the policy), how bytes move (the data plane),
//! which chunks are really on disk (the store), who could be a neighbour (gossip and tracker).

mod ask;
mod assumed;
mod backstop;
mod chunk_map;
mod chunks;
mod config;
mod haves;
mod held;
mod hints;
mod io;
mod manifest;
mod messages;
mod neighbour;
mod neighbours;
mod outlook;
mod pace;
mod place;
mod policy;
mod rate;
mod receiving;
mod sending;
mod sites;
mod slots;
mod stats;
mod trust;
mod under_way;
mod views;
mod window;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod columns;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod recount;
#[cfg(test)]
mod strategies;
#[cfg(test)]
mod world;

use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{ChunkIndex, ContentId, LabelNumbers, PeerId, PeerMessage, Place, Time};
use samara_policy::Random;

pub use chunk_map::Stretch;
pub use config::SwarmConfig;
pub use io::{LinkKey, ManifestFacts, SwarmEvent, SwarmInput, SwarmOutput};
pub(crate) use neighbour::number_of;
pub use outlook::Outlook;
pub(crate) use place::{label_numbers, relation_between};
pub use policy::{DropReason, PolicyFacts, ReasonCount};
pub use samara_policy::Hook;
pub use stats::SwarmStats;

use ask::{Asks, Standby};
use assumed::Assumed;
use backstop::Backstop;
use chunks::Chunks;
use hints::Hints;
use manifest::ManifestFetch;
use neighbour::Neighbour;
use neighbours::Neighbours;
use pace::Pace;
use policy::Reasons;
use rate::Rate;
use slots::Chance;
use under_way::UnderWay;

/// How often slow things are looked at: expiry, late policies, hedging, idle slots.
const HOUSEKEEPING: Duration = Duration::from_millis(100);
/// The same when nothing is going on.
const IDLE_HOUSEKEEPING: Duration = Duration::from_secs(5);

type Outputs = Vec<SwarmOutput>;

/// The state machine of one content on one peer.
#[derive(Debug)]
pub struct Swarm {
    config: SwarmConfig,
    me: PeerId,
    content: ContentId,
    random: Random,
    now: Time,
    labels: LabelNumbers,
    place: Place,
    /// Of the labels, what the active policy wants to see.
    shown: Vec<u64>,
    policy: PolicyFacts,
    reasons: Reasons,
    backstop: Backstop,
    began: Option<Time>,
    origin: bool,
    neighbours: Neighbours,
    under_way: UnderWay,
    assumed: Assumed,
    hints: Hints,
    chunks: Option<Chunks>,
    manifest: ManifestFetch,
    /// Slots that this swarm may use, for uploads and downloads.
    leased: (u32, u32),
    send_pace: Pace,
    receive_pace: Pace,
    /// How long offers took to be answered.
    answer_pace: Pace,
    chance: Chance,
    /// Of the answers to offers those that were not for want of a slot.
    room: Chance,
    arrivals: Pace,
    last_arrival: Option<Time>,
    upload_rate: Rate,
    download_rate: Rate,
    asks: Asks,
    standby: Standby,
    offers_wanted: bool,
    requests_wanted: bool,
    neighbours_asked: Option<Time>,
    /// The last answer to `neighbours` changed nothing.
    neighbours_content: bool,
    haves_due: Option<Time>,
    first_pass_over: bool,
    parked: bool,
    withdrawn: bool,
    idle_since: Option<Time>,
    housekept: Time,
    armed: Option<(u64, Time)>,
    next_timer: u64,
    stats: SwarmStats,
}

/// What a person may want to know of one neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeighbourRow {
    /// Who.
    pub peer: PeerId,
    /// Where.
    pub address: core::net::SocketAddr,
    /// Where it stands.
    pub place: Place,
    /// Thousandths of the content that it has.
    pub permille: u16,
    /// Chunks that it is known to have; 0 while the manifest is not here.
    pub chunks: u32,
    /// Since when it last said something about itself.
    pub heard: Time,
}

/// What is promised or on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outstanding {
    /// Offers and transfers out of here.
    pub outgoing: u32,
    /// Reservations and transfers to here.
    pub incoming: u32,
    /// When the oldest of them began.
    pub oldest: Option<Time>,
}

impl Swarm {
    /// A swarm that knows nothing yet but the content's id. An origin, and a node that resumes, follows up
    /// with [`SwarmInput::ManifestLoaded`] at once.
    pub fn new(
        config: SwarmConfig,
        me: PeerId,
        content: ContentId,
        origin: bool,
        random_seed: u64,
    ) -> Self {
        Swarm {
            config,
            me,
            content,
            random: Random::new(random_seed),
            now: Time::ZERO,
            labels: LabelNumbers::default(),
            place: Place::default(),
            shown: Vec::new(),
            policy: PolicyFacts::default(),
            reasons: Reasons::default(),
            backstop: Backstop::default(),
            began: None,
            origin,
            neighbours: Neighbours::default(),
            under_way: UnderWay::default(),
            assumed: Assumed::default(),
            hints: Hints::new(random_seed),
            chunks: None,
            manifest: ManifestFetch::default(),
            leased: (config.upload_slots, config.download_slots),
            send_pace: Pace::default(),
            receive_pace: Pace::default(),
            answer_pace: Pace::default(),
            chance: Chance::default(),
            room: Chance::default(),
            arrivals: Pace::default(),
            last_arrival: None,
            upload_rate: Rate::default(),
            download_rate: Rate::default(),
            asks: Asks::default(),
            standby: Standby::default(),
            offers_wanted: false,
            requests_wanted: false,
            neighbours_asked: None,
            neighbours_content: false,
            haves_due: None,
            first_pass_over: !origin,
            parked: false,
            withdrawn: false,
            idle_since: None,
            housekept: Time::ZERO,
            armed: None,
            next_timer: 0,
            stats: SwarmStats::default(),
        }
    }

    /// Says what the operator of this node says of it. Before anything happens.
    pub fn with_labels(mut self, labels: LabelNumbers) -> Self {
        self.place = labels.place();
        self.labels = labels;
        self
    }

    /// Takes note of what happened at `now` and appends what to do about it.
    pub fn handle(&mut self, now: Time, input: SwarmInput, out: &mut Outputs) {
        self.now = self.now.max(now);
        self.began.get_or_insert(self.now);
        self.stats.inputs += 1;
        match input {
            SwarmInput::PeerConnected { link, peer, address, labels, resumed } => {
                self.on_connected(link, peer, address, labels, resumed, out)
            }
            SwarmInput::PeerDisconnected { link } => self.forget(link, out),
            SwarmInput::Relabelled { labels } => self.on_relabelled(labels),
            SwarmInput::PeerRelabelled { link, labels } => self.on_peer_relabelled(link, labels),
            SwarmInput::ConnectFailed { peer } => self.hints.failed(peer, self.now),
            SwarmInput::MessageReceived { link, message } => self.on_message(link, message, out),
            SwarmInput::ManifestLoaded(facts) => self.on_manifest_loaded(facts, out),
            SwarmInput::ManifestRefused => self.on_manifest_refused(out),
            SwarmInput::ChunkStarted { link, chunk } => self.on_chunk_started(link, chunk, out),
            SwarmInput::ChunkStored { link, chunk } => self.on_chunk_stored(link, chunk, out),
            SwarmInput::ChunkRejected { link, chunk } => self.on_chunk_rejected(link, chunk, out),
            SwarmInput::ChunkDiscarded { link, chunk } => self.end_incoming(link, chunk),
            SwarmInput::StoreFailed { link, chunk } => self.on_store_failed(link, chunk, out),
            SwarmInput::Resumed => {
                self.parked = false;
                self.requests_wanted = true;
            }
            SwarmInput::ChunkSent { link, chunk } => self.on_chunk_sent(link, chunk),
            SwarmInput::ServeFailed { link, chunk } => self.on_serve_failed(link, chunk, out),
            SwarmInput::OwnChunkVerified { link, chunk, good } => {
                self.on_own_chunk_verified(link, chunk, good, out)
            }
            SwarmInput::ContentWithdrawn => self.on_withdrawn(out),
            SwarmInput::HintsReceived(hints) => self.on_hints(&hints),
            SwarmInput::SlotsLeased { upload, download } => {
                self.leased = (upload, download);
                self.offers_wanted = true;
                self.requests_wanted = true;
            }
            SwarmInput::PolicyAnswered { token, answer } => self.on_answer(token, answer, out),
            SwarmInput::PolicyFailed { token } => self.on_policy_failed(token, out),
            SwarmInput::PolicyChanged { facts } => self.on_policy_changed(facts),
            SwarmInput::TimerFired { token } => self.on_timer(token),
        }
        self.settle(out);
    }

    /// Chunks here and chunks in all; `None` until the manifest is known.
    pub fn progress(&self) -> Option<(u32, u32)> {
        self.chunks.as_ref().map(|chunks| (chunks.have.count(), chunks.count()))
    }

    /// The policy as the engine knows it.
    pub fn policy(&self) -> &PolicyFacts {
        &self.policy
    }

    /// Why the active policy decided what was carried out, since it changed.
    pub fn reasons(&self) -> impl Iterator<Item = ReasonCount> + '_ {
        self.reasons.iter()
    }

    /// What the operator of this node says of it.
    pub fn labels(&self) -> &LabelNumbers {
        &self.labels
    }

    /// What was done so far, in counts.
    pub fn stats(&self) -> SwarmStats {
        self.stats
    }

    /// The content.
    pub fn content(&self) -> ContentId {
        self.content
    }

    /// Whether every chunk is here.
    pub fn is_complete(&self) -> bool {
        self.chunks.as_ref().is_some_and(|chunks| chunks.have.is_full())
    }

    /// Live neighbours that take part.
    pub fn neighbours(&self) -> impl Iterator<Item = NeighbourRow> + '_ {
        self.neighbours.values().filter(|one| one.opened).map(|one| NeighbourRow {
            peer: one.peer,
            address: one.address,
            place: one.place,
            permille: one.permille(),
            chunks: one.has.count(),
            heard: one.inbound.1,
        })
    }

    /// Number of live neighbours that take part.
    pub fn neighbour_count(&self) -> u32 {
        self.neighbours.values().filter(|one| one.opened).count() as u32
    }

    /// Whether there is a neighbour on this link.
    #[cfg(test)]
    fn has_link(&self, link: LinkKey) -> bool {
        self.neighbours.contains_key(&link)
    }

    /// What is promised or on its way, in both directions.
    pub fn outstanding(&self) -> Outstanding {
        let (outgoing, incoming) = (self.under_way.outgoing(), self.under_way.incoming());
        let begun = outgoing.iter().map(|one| one.since);
        Outstanding {
            outgoing: outgoing.len() as u32,
            incoming: incoming.len() as u32,
            oldest: begun.chain(incoming.iter().map(|one| one.since)).min(),
        }
    }

    /// What follows from any input: news that are due, questions to the policy, the next timer.
    fn settle(&mut self, out: &mut Outputs) {
        if self.now.since(self.housekept) >= HOUSEKEEPING {
            self.housekept = self.now;
            self.housekeep(out);
        }
        self.expire_asks(out);
        if self.haves_due.is_some_and(|due| due <= self.now) {
            self.flush_haves(out);
        }
        self.end_first_pass(out);
        self.want_manifest(out);
        if self.offers_wanted {
            self.ask_offers(out);
        }
        if self.requests_wanted && self.pulls() {
            self.ask_requests(out);
        }
        if self.hints.is_dirty() {
            self.ask_neighbours(out);
        }
        self.arm_timer(out);
    }

    fn housekeep(&mut self, out: &mut Outputs) {
        self.expire_offers();
        self.expire_reservations(out);
        self.expire_neighbours();
        self.ask_overdue(out);
        self.ask_idle_requests(out);
        self.watch_policy(out);
        self.wake_neighbours();
    }

    fn on_policy_changed(&mut self, facts: PolicyFacts) {
        self.policy = facts;
        self.look_at_labels();
        self.reasons.clear();
        self.standby.clear();
        self.forgive();
        self.decide_anew();
    }

    /// What the policy knows has changed: everything is asked again.
    fn decide_anew(&mut self) {
        self.offers_wanted = true;
        self.requests_wanted = true;
        self.neighbours_content = false;
        self.hints.touch();
    }

    /// A link on which nobody ever said that it takes part is no neighbour.
    fn expire_neighbours(&mut self) {
        let now = self.now;
        let silent = |one: &Neighbour| !one.opened && now.since(one.since).as_secs() >= 10;
        let all = self.neighbours.iter().filter(|(_, one)| silent(one));
        let all: Vec<(LinkKey, PeerId)> = all.map(|(link, one)| (*link, one.peer)).collect();
        for (link, peer) in all {
            self.remove(link);
            self.hints.failed(peer, now);
        }
    }

    fn on_timer(&mut self, token: u64) {
        if self.armed.is_some_and(|(armed, _)| armed == token) {
            self.armed = None;
            self.stats.timers += 1;
            self.offers_wanted = true;
            self.requests_wanted = true;
        }
    }

    /// Arms one timer for the earliest thing that is due; an earlier one replaces it.
    fn arm_timer(&mut self, out: &mut Outputs) {
        let wake = self.next_wake();
        if self.armed.is_some_and(|(_, at)| at <= wake && at >= self.now) {
            return;
        }
        self.next_timer += 1;
        self.armed = Some((self.next_timer, wake));
        out.push(SwarmOutput::StartTimer { token: self.next_timer, after: wake.since(self.now) });
    }

    fn next_wake(&mut self) -> Time {
        let rest = if self.is_busy() { HOUSEKEEPING } else { IDLE_HOUSEKEEPING };
        let soonest = self.now + Duration::from_millis(1);
        let offer_retry = if self.free_upload_slots() > 0 { self.next_offer_retry() } else { None };
        let request_retry = if self.pulls() { self.next_request_retry() } else { None };
        [self.haves_due, offer_retry, request_retry, self.manifest.retry_at(), self.asks.deadline()]
            .into_iter()
            .flatten()
            .fold(self.now + rest, Time::min)
            .max(soonest)
    }

    /// Whether something may expire or get late.
    fn is_busy(&self) -> bool {
        !self.is_complete()
            || !self.under_way.outgoing().is_empty()
            || self.neighbours.values().any(|one| !one.opened)
    }

    fn send(&mut self, link: LinkKey, message: PeerMessage, out: &mut Outputs) {
        self.news_ride(link, out);
        out.push(SwarmOutput::Send { link, message });
    }

    fn chunk_exists(&self, chunk: ChunkIndex) -> bool {
        self.chunks.as_ref().is_some_and(|chunks| chunk < chunks.count())
    }
}
