//! What this node tells the others, and what it believes of what they tell.

use alloc::vec::Vec;
use samara_model::Release;

use super::cadence::summary_pause;
use super::machine::Gossip;
use super::releases::Offered;
use super::summary::Summary;
use super::timers::Due;
use super::{GossipEvent, GossipOutput};

impl Gossip {
    /// Whether a summary should be taken and passed on. What the table will not keep is not passed on
    /// either, or it would be news again and again.
    pub(super) fn is_news(&mut self, summary: &Summary) -> bool {
        if summary.peer == self.membership.me().peer {
            self.own.overtake(summary.version);
            return false;
        }
        let kept = self.table.has_room() || self.table.knows(&summary.peer);
        kept && self.table.is_news(&summary.peer, summary.version)
    }

    pub(super) fn publish(&mut self, release: Release, out: &mut Vec<GossipOutput>) {
        let own = release.publisher == self.membership.me().peer;
        if !self.offer(release, own, out) {
            return;
        }
        if self.exchanges.may_push(self.now) {
            (0..3).for_each(|_| self.exchange_with_random(out));
        } else {
            self.exchange_soon(out);
        }
    }

    /// Offers a release to the table; true when it was learned.
    pub(super) fn offer(
        &mut self,
        release: Release,
        own: bool,
        out: &mut Vec<GossipOutput>,
    ) -> bool {
        let learned = release.clone();
        match self.releases.offer(release, own) {
            Offered::Learned => {
                out.push(GossipOutput::Report(GossipEvent::ReleaseLearned(learned)));
                true
            }
            // A publisher is told each time that it tries.
            Offered::Refused { conflict, first_time } if first_time || own => {
                out.push(GossipOutput::Report(GossipEvent::ReleaseConflict(conflict)));
                false
            }
            Offered::Refused { .. } | Offered::Nothing => false,
        }
    }

    /// Tells what this node holds, now or when it is time. Alone there is nobody to tell.
    pub(super) fn pace_summary(&mut self, out: &mut Vec<GossipOutput>) {
        let up = self.membership.up_count();
        let pause = summary_pause(&self.config, up);
        let Some(wait) = self.own.due_in(self.now, pause).filter(|_| up > 0) else {
            return;
        };
        if wait.is_zero() {
            let (summary, at_once) = self.own.take_summary(self.now, &self.membership.me());
            self.membership.spread(&summary, at_once);
        } else if self.summary_due.is_none_or(|due| self.now + wait < due) {
            self.summary_due = Some(self.now + wait);
            self.timers.start(Due::Summary, wait, out);
        }
    }
}
