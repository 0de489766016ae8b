//! What this node has to offer, as gossip and trackers shall know it: contents and releases.

use std::path::PathBuf;

use samara_engine::swarm::SwarmInput;
use samara_model::{ContentId, Holding, PeerHint, Release, ReleaseConflict, ReleaseName};

use super::{Shared, lock};
use crate::api::Notice;
use crate::clock::unix_seconds;
use crate::content_state::ContentState;
use crate::gossip_actor::GossipMessage;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

impl Shared {
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
        let holdings = || lock(&self.holdings);
        lock(&self.releases).add(release, |content| holdings().contains_key(content))
    }

    /// The time of a release that is published now: later than that of every other version of its name that is known
    /// here. Clocks are set back at times, and what comes last must not look older, or those who keep the newest
    /// would throw it away.
    pub fn published_now(&self, release: &ReleaseName) -> u64 {
        let releases = lock(&self.releases);
        let others = releases
            .iter()
            .filter(|one| one.release.name == release.name && one.release != *release);
        let latest = others.map(|one| one.published_at).max();
        unix_seconds().max(latest.map_or(0, |latest| latest.saturating_add(1)))
    }

    /// A release that this node knows.
    pub fn release(&self, name: &ReleaseName) -> Option<Release> {
        lock(&self.releases).get(name).cloned()
    }

    /// All releases that this node published, fetched by name or heard of, as many as it keeps.
    pub fn releases(&self) -> Vec<Release> {
        lock(&self.releases).iter().cloned().collect()
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
            self.gossip.tell(GossipMessage::HoldingsChanged);
            self.tracker.tell(TrackerMessage::HoldingsChanged);
        }
    }

    /// This node as a holder, when it has something of a content.
    pub fn own_hint(&self, content: &ContentId) -> Option<PeerHint> {
        let holding = lock(&self.holdings).get(content).copied()?;
        let (peer, address, place) = (self.me, self.address(), self.place());
        Some(PeerHint { peer, address, permille: holding.permille, place })
    }
}
