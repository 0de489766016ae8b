//! Tells others how the content stands: people, the seeder, gossip and tracker.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use samara_engine::swarm::SwarmEvent;
use samara_model::Holding;

use super::Swarm;
use crate::api::{FetchPhase, Notice, PeerRow, PeerSource};
use crate::chunk_store_actor::ChunkStoreMessage;
use crate::seeder_actor::SeederMessage;

impl Swarm {
    pub(super) fn report(&mut self, event: SwarmEvent) {
        self.shared.metrics.swarm_event(&event);
        let content = self.state.content;
        match event {
            SwarmEvent::Completed => {
                tracing::debug!(%content, stats = ?self.machine.stats(), "every chunk is here");
                self.completed()
            }
            SwarmEvent::FirstPassDone => tracing::info!(%content, "every chunk was sent once"),
            SwarmEvent::PeerBanned { peer, why } => {
                self.shared.notify(Notice::BadPeer { peer, content, why: why.to_string() })
            }
            SwarmEvent::ChunkWasBad { peer, chunk } => {
                tracing::warn!(%content, peer = %peer.short(), chunk, "a chunk had the wrong hash")
            }
            // What was cancelled does not accept anything either.
            SwarmEvent::Parked if self.state.is_closed() => {}
            SwarmEvent::Parked => self.park(self.park_reason.clone()),
            SwarmEvent::DecisionDropped { hook, why } => {
                tracing::trace!(%content, hook = hook.name(), why = why.label(), "decision dropped")
            }
            SwarmEvent::FellBack { hook, why } => self.fell_back(hook, why),
            SwarmEvent::ReservationExpired { peer } => {
                tracing::debug!(%content, peer = %peer.short(), "promised a chunk and sent nothing")
            }
        }
    }

    /// It waits for room on the disk. Told once, however often it tries again.
    pub(super) fn park(&self, reason: String) {
        let content = self.state.content;
        let was_parked = matches!(self.state.phase(), FetchPhase::Parked { .. });
        if !was_parked {
            self.shared.notify(Notice::Warning(format!(
                "{content} is parked: {reason}. It goes on by itself when there is room"
            )));
        }
        self.state.set_phase(FetchPhase::Parked { reason });
    }

    /// Lets gossip and tracker know how much is here.
    pub(super) fn hold(&self) {
        if self.state.is_withdrawn() {
            return;
        }
        let permille = match self.machine.progress() {
            Some((_, 0)) => 1000,
            Some((have, all)) => (u64::from(have) * 1000 / u64::from(all)) as u16,
            None => 0,
        };
        let fetching = !self.machine.is_complete();
        let holding = Holding { content: self.state.content, permille, fetching };
        self.shared.hold(self.state.content, Some(holding));
    }

    fn tell_demand(&mut self) {
        let uploads = self.machine.neighbours().any(|row| row.permille < 1000);
        let demand = (uploads, !self.machine.is_complete());
        if self.demand != demand {
            self.demand = demand;
            let (content, downloads) = (self.state.content, demand.1);
            self.shared.seeder.tell(SeederMessage::Demand { content, uploads, downloads });
        }
    }

    pub(super) fn count_neighbours(&mut self) {
        *self.state.outlook.lock().unwrap_or_else(PoisonError::into_inner) = self.machine.outlook();
        let neighbours = self.machine.neighbour_count();
        if self.state.neighbours.swap(neighbours, Ordering::Relaxed) != neighbours {
            self.state.progressed();
        }
        self.tell_demand();
    }

    pub(super) fn refresh(&mut self) {
        let now = self.shared.clock.now();
        let rows = self.machine.neighbours().map(|row| PeerRow {
            peer: row.peer,
            address: row.address,
            place: row.place,
            permille: row.permille,
            chunks: Some(row.chunks),
            source: PeerSource::Neighbour,
            age: now.since(row.heard),
        });
        self.state.set_rows(now, rows.collect());
        self.state.note_rates(now);
        let outstanding = self.machine.outstanding();
        self.state.incoming.store(outstanding.incoming, Ordering::Relaxed);
        self.state.outgoing.store(outstanding.outgoing, Ordering::Relaxed);
        let wanted = self.state.phase() == FetchPhase::Transferring;
        let received = self.state.received.load(Ordering::Relaxed);
        self.state.speed.look(received, wanted, Instant::now());
        self.state.set_stats(self.machine.stats());
        let reasons = self.machine.reasons().collect();
        *self.state.reasons.lock().unwrap_or_else(PoisonError::into_inner) = reasons;
        self.count_neighbours();
        if matches!(self.state.phase(), FetchPhase::Parked { .. }) {
            self.shared
                .chunk_store
                .tell(ChunkStoreMessage::LookForRoom { state: self.state.clone() });
        }
    }
}
