//! The tracker's two ends: the registry, where this node plays that role, and the announcer, where it has
//! trackers to announce itself to. Drives `samara_engine::tracker`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use samara_engine::swarm::{PolicyFacts, SwarmInput};
use samara_engine::tracker::{
    Announcer, AnnouncerConfig, AnnouncerEvent, AnnouncerInput, AnnouncerOutput,
    Tracker as Registry, TrackerConfig, TrackerEvent, TrackerInput, TrackerOutput,
};
use samara_model::{
    ContentId, Holding, PeerHint, PeerId, PeerMessage, Place, Release, ReleaseName,
};
use samara_policy::Answer;

use crate::api::{NodeConfig, Notice};
use crate::link::{LinkCommand, LinkHandle, LinkId};
use crate::selector::Asker;
use crate::selector_actor::SelectorMessage;
use crate::shared::Shared;
use crate::supervise::{Alive, Told};
use crate::swarm_actor::SwarmMessage;

/// The link number under which a tracker announces itself to itself.
const OWN_LINK: u64 = u64::MAX;
/// How often it does; entries live longer.
const OWN_ANNOUNCEMENT: Duration = Duration::from_secs(20);

/// What the tracker actor is told.
pub enum TrackerMessage {
    /// Somebody announces itself to this tracker.
    Announced {
        /// Who.
        from: PeerId,
        /// On which link.
        link: LinkId,
        /// Where it can be dialled.
        address: SocketAddr,
        /// Where it stands.
        place: Place,
        /// What it holds.
        holdings: Vec<Holding>,
        /// Releases that it knows.
        releases: Vec<Release>,
        /// Echoed.
        token: u32,
    },
    /// A tracker answers this node.
    Handout {
        /// On which link.
        link: LinkId,
        /// Of the announcement.
        token: u32,
        /// Per content, some neighbours.
        neighbours: Vec<(ContentId, Vec<PeerHint>)>,
        /// Releases that it keeps instead of ours.
        refused: Vec<Release>,
        /// Announce again within this time.
        expires_s: u32,
    },
    /// Somebody asks this tracker.
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
    /// A link to a tracker stands: send the announcement.
    TrackerReached {
        /// As it was dialled.
        tracker: SocketAddr,
        /// The link.
        handle: LinkHandle,
        /// The announcement.
        message: PeerMessage,
    },
    /// A tracker could not be reached.
    TrackerFailed {
        /// As it was dialled.
        tracker: SocketAddr,
    },
    /// A link ended.
    LinkEnded {
        /// Which.
        link: LinkId,
        /// Of whom.
        peer: PeerId,
        /// It said goodbye.
        left: bool,
    },
    /// [`Shared::holdings`] changed.
    HoldingsChanged,
    /// A release was published here, or learned.
    ReleaseAdded(Release),
    /// A name of a tracker resolved to these addresses.
    TrackersFound(Vec<SocketAddr>),
    /// The active policy answers; `None` when it does not.
    PolicyAnswered {
        /// Of the question.
        token: u64,
        /// What it decided.
        answer: Option<Answer>,
    },
    /// Another policy is active.
    PolicyChanged,
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
pub struct Tracker {
    shared: Arc<Shared>,
    registry: Option<Registry>,
    announcer: Option<Announcer>,
    trackers: HashMap<LinkId, SocketAddr>,
    _alive: Alive,
}

impl Tracker {
    /// An incarnation. A registry starts empty and fills by itself: who is connected is asked to announce itself
    /// again, everybody else does so in time.
    pub fn new(shared: Arc<Shared>, alive: Alive) -> Self {
        let config = &shared.config;
        let registry = config
            .be_tracker
            .then(|| Registry::new(TrackerConfig::default(), shared.next_random_seed()));
        let announcer = announcer(&shared);
        Tracker { shared, registry, announcer, trackers: HashMap::new(), _alive: alive }
    }

    /// Names of trackers resolved since the start: announces to these, too.
    fn trackers_found(&mut self, found: &[SocketAddr], ctx: &mut Context<Self>) {
        if self.shared.trackers_found(found) {
            self.announcer = announcer(&self.shared);
            self.begin_to_announce(ctx);
        }
    }

    /// The announcer tells the trackers where this node stands now.
    fn follow_place(&mut self, ctx: &mut Context<Self>) {
        let place = self.shared.place();
        self.announce(AnnouncerInput::PlaceChanged { place }, ctx);
    }

    fn begin_to_announce(&mut self, ctx: &mut Context<Self>) {
        self.follow_place(ctx);
        self.announce(AnnouncerInput::Started, ctx);
        for release in self.shared.releases() {
            self.announce(AnnouncerInput::ReleaseAdded(release), ctx);
        }
        self.holdings_changed(ctx);
    }

    fn register(&mut self, input: TrackerInput, ctx: &mut Context<Self>) {
        let Some(registry) = &mut self.registry else { return };
        let mut outputs = Vec::new();
        registry.handle(self.shared.clock.now(), input, &mut outputs);
        for output in outputs {
            match output {
                TrackerOutput::Send { link: OWN_LINK, message } => self.own_handout(message),
                TrackerOutput::Send { link, message } => self.send(LinkId(link), message),
                TrackerOutput::StartTimer { token, after } => {
                    ctx.run_later(after, move |tracker, ctx| {
                        tracker.register(TrackerInput::TimerFired { token }, ctx);
                    });
                }
                TrackerOutput::AskPolicy { token, question, deadline } => {
                    let asker = Asker::Tracker;
                    let ask = SelectorMessage::Ask { asker, token, question, deadline };
                    self.shared.selector.tell(ask);
                }
                TrackerOutput::Report(TrackerEvent::ReleaseConflict(conflict)) => {
                    self.shared.notify(Notice::ReleaseRefused { why: conflict.to_string() })
                }
            }
        }
    }

    fn policy_changed(&mut self, ctx: &mut Context<Self>) {
        let facts = PolicyFacts::clone(&self.shared.policies.current().facts);
        self.register(TrackerInput::PolicyChanged { facts }, ctx);
    }

    fn announce(&mut self, input: AnnouncerInput, ctx: &mut Context<Self>) {
        let Some(announcer) = &mut self.announcer else { return };
        let mut outputs = Vec::new();
        announcer.handle(self.shared.clock.now(), input, &mut outputs);
        for output in outputs {
            match output {
                AnnouncerOutput::Announce { tracker, message } => self.reach(tracker, message),
                AnnouncerOutput::StartTimer { token, after } => {
                    ctx.run_later(after, move |tracker, ctx| {
                        tracker.announce(AnnouncerInput::TimerFired { token }, ctx);
                    });
                }
                AnnouncerOutput::Report(event) => self.report(event),
            }
        }
    }

    fn report(&self, event: AnnouncerEvent) {
        match event {
            AnnouncerEvent::Neighbours(content, hints) => self.hint(content, hints),
            AnnouncerEvent::ReleaseRefused(conflict) => {
                self.shared.notify(Notice::ReleaseRefused { why: conflict.to_string() })
            }
            AnnouncerEvent::TrackerChanged(tracker) => tracing::info!(%tracker, "tracker answers"),
            AnnouncerEvent::TrackersUnreachable => match missing_tracker(&self.shared.config) {
                Some(text) => self.shared.notify(Notice::Warning(text)),
                None => tracing::debug!("no joined node plays the tracker; gossip does without"),
            },
        }
    }

    fn hint(&self, content: ContentId, hints: Vec<PeerHint>) {
        if let Some(state) = self.shared.content(&content) {
            state.note_handout(self.shared.clock.now(), &hints);
            state.swarm.tell(SwarmMessage::Input(SwarmInput::HintsReceived(hints)));
        }
    }

    fn own_handout(&self, message: PeerMessage) {
        if let PeerMessage::Handout { neighbours, .. } = message {
            for (content, hints) in neighbours {
                self.hint(content, hints);
            }
        }
    }

    fn send(&self, link: LinkId, message: PeerMessage) {
        if let Some(handle) = self.shared.link(link) {
            let _ = handle.command(LinkCommand::Send { content: None, message });
        }
    }

    fn reach(&self, tracker: SocketAddr, message: PeerMessage) {
        let shared = self.shared.clone();
        self.shared.data_plane.spawn(async move {
            let Some(links) = shared.links_once_up().await else { return };
            let reached = match links.dial(tracker, None).await {
                Ok(handle) => TrackerMessage::TrackerReached { tracker, handle, message },
                Err(_) => TrackerMessage::TrackerFailed { tracker },
            };
            shared.tracker.deliver(reached).await;
        });
    }

    /// A tracker takes part in contents like any node, and must find itself in its registry.
    fn announce_self(&mut self, ctx: &mut Context<Self>) {
        if self.registry.is_none() {
            return;
        }
        let input = TrackerInput::Announced {
            from: self.shared.me,
            link: OWN_LINK,
            address: self.shared.address(),
            place: self.shared.place(),
            holdings: self.shared.holdings(),
            releases: self.shared.releases(),
            token: 0,
        };
        self.register(input, ctx);
    }

    fn holdings_changed(&mut self, ctx: &mut Context<Self>) {
        let holdings = self.shared.holdings();
        self.announce(AnnouncerInput::HoldingsChanged { holdings }, ctx);
        self.announce_self(ctx);
    }
}

/// What a person should know when no tracker answers. Nothing, where nobody was named as one and gossip
/// finds peers just as well.
fn missing_tracker(config: &NodeConfig) -> Option<String> {
    let list = |addresses: &[SocketAddr]| {
        addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ")
    };
    match (config.trackers.is_empty(), config.discovery.gossip) {
        (true, true) => None,
        (true, false) => Some(format!(
            "no joined node ({}) plays the tracker for --discovery tracker: only joined nodes and their \
             neighbours are known. Start one there with `samara serve --play-tracker`, or use \
             --discovery both",
            list(&config.join)
        )),
        (false, true) => Some(format!(
            "no tracker answers at {}: gossip alone finds peers until one does",
            list(&config.trackers)
        )),
        (false, false) => Some(format!(
            "no tracker answers at {}: peers that are known stay in use, new ones are not found until one \
             does. Check the addresses, and that a node plays the tracker there",
            list(&config.trackers)
        )),
    }
}

/// Who tells the trackers, where there are any to tell.
fn announcer(shared: &Shared) -> Option<Announcer> {
    let config = &shared.config;
    let named = !config.trackers.is_empty() || !config.tracker_names.is_empty();
    let mut trackers = if named { config.trackers.clone() } else { config.join.clone() };
    trackers.extend(shared.found_trackers());
    (config.discovery.tracker && !trackers.is_empty()).then(|| {
        let (own, seed) = (shared.address(), shared.next_random_seed());
        Announcer::new(AnnouncerConfig::default(), own, trackers, seed).with_place(shared.place())
    })
}

impl Actor for Tracker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let links = self.shared.live_links().iter().map(|link| link.id.0).collect();
        self.register(TrackerInput::Started { links }, ctx);
        self.policy_changed(ctx);
        self.begin_to_announce(ctx);
        if self.registry.is_some() {
            ctx.run_interval(OWN_ANNOUNCEMENT, |tracker, ctx| tracker.announce_self(ctx));
        }
    }
}

impl Handler<Told<TrackerMessage>> for Tracker {
    type Result = ();

    fn handle(&mut self, told: Told<TrackerMessage>, ctx: &mut Context<Self>) {
        let shared = self.shared.clone();
        let (message, _working) = told.open(&shared.metrics);
        match message {
            TrackerMessage::Announced { from, link, address, place, holdings, releases, token } => {
                let link = link.0;
                self.register(
                    TrackerInput::Announced {
                        from,
                        link,
                        address,
                        place,
                        holdings,
                        releases,
                        token,
                    },
                    ctx,
                );
            }
            TrackerMessage::Handout { link, token, neighbours, refused, expires_s } => {
                let Some(tracker) = self.trackers.get(&link).copied() else { return };
                let input = AnnouncerInput::HandoutReceived {
                    tracker,
                    token,
                    neighbours,
                    refused,
                    expires_s,
                };
                self.announce(input, ctx);
            }
            TrackerMessage::Find { link, token, release, content } => {
                self.register(TrackerInput::Find { link: link.0, token, release, content }, ctx)
            }
            TrackerMessage::TrackerReached { tracker, handle, message } => {
                self.trackers.insert(handle.id, tracker);
                let _ = handle.command(LinkCommand::Send { content: None, message });
            }
            TrackerMessage::TrackerFailed { tracker } => {
                self.announce(AnnouncerInput::AnnounceFailed { tracker }, ctx)
            }
            TrackerMessage::LinkEnded { link, peer, left } => {
                if let Some(tracker) = self.trackers.remove(&link) {
                    self.announce(AnnouncerInput::AnnounceFailed { tracker }, ctx);
                }
                if left {
                    self.register(TrackerInput::Left { peer }, ctx);
                }
            }
            TrackerMessage::HoldingsChanged => self.holdings_changed(ctx),
            TrackerMessage::ReleaseAdded(release) => {
                self.announce(AnnouncerInput::ReleaseAdded(release), ctx);
                self.announce_self(ctx);
            }
            TrackerMessage::PolicyAnswered { token, answer } => {
                self.register(TrackerInput::PolicyAnswered { token, answer }, ctx)
            }
            TrackerMessage::PolicyChanged => self.policy_changed(ctx),
            TrackerMessage::Moved => {
                self.announcer = announcer(&self.shared);
                self.begin_to_announce(ctx);
            }
            TrackerMessage::Relabelled => {
                self.follow_place(ctx);
                self.announce_self(ctx);
            }
            TrackerMessage::TrackersFound(found) => self.trackers_found(&found, ctx),
            TrackerMessage::Leave => self.announce(AnnouncerInput::Left, ctx),
            #[allow(clippy::panic, reason = "this is the fault that the tests inject")]
            TrackerMessage::Panic => panic!("injected into the tracker"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Discovery;

    fn config(trackers: usize, gossip: bool) -> NodeConfig {
        let address = SocketAddr::from(([10, 0, 0, 1], 7300));
        let discovery = Discovery { tracker: true, gossip };
        let trackers = vec![address; trackers];
        NodeConfig { join: vec![address], trackers, discovery, ..NodeConfig::default() }
    }

    #[test]
    fn a_tracker_that_nobody_named_is_not_missed_where_gossip_is_on() {
        assert_eq!(missing_tracker(&config(0, true)), None);
        for (trackers, gossip) in [(1, true), (1, false), (0, false)] {
            let text = missing_tracker(&config(trackers, gossip)).expect("a person must know");
            assert!(text.contains("10.0.0.1:7300"), "{text}");
        }
    }
}
