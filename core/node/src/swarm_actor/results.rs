//! Takes in what came of chunks and of work for the store, and counts it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{AsyncContext, Context};
use samara_engine::swarm::{LinkKey, ManifestFacts, SwarmInput};
use samara_model::ChunkIndex;
use samara_store::{Content, ReadChunkError};

use super::{Prepared, ServeProblem, Swarm};
use crate::api::FetchPhase;
use crate::chunk_store_actor::Work;
use crate::link::{LinkHandle, LinkId};
use crate::router::key;
use crate::seeder_actor::SeederMessage;

/// How often a fetch that did not fit looks again whether it does.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(2);

impl Swarm {
    pub(super) fn load(&mut self, content: Arc<Content>, ctx: &mut Context<Self>) {
        let have = content.have();
        let manifest = content.manifest();
        let done: u64 = have.iter().map(|chunk| u64::from(content.chunk_len(chunk))).sum();
        self.state.done.store(done, Ordering::Relaxed);
        if self.first {
            self.state.resumed.store(done, Ordering::Relaxed);
        }
        if !have.is_full() {
            self.state.set_phase(FetchPhase::Transferring);
        }
        let facts = ManifestFacts {
            bytes: content.manifest_bytes().clone(),
            chunk_bytes: manifest.chunk_size(),
            have,
        };
        self.state.set_stored(content.clone());
        self.input(SwarmInput::ManifestLoaded(facts), ctx);
        self.hold();
    }

    pub(super) fn prepared(&mut self, prepared: Prepared, ctx: &mut Context<Self>) {
        match prepared {
            Prepared::Ready(content) => self.load(content, ctx),
            Prepared::NoRoom { why, bytes } => {
                self.park(why);
                ctx.run_later(LOOK_FOR_ROOM, |swarm, ctx| {
                    if !swarm.ends(ctx) {
                        swarm.order(Work::Prepare(Some(bytes)));
                    }
                });
            }
            Prepared::Refused(why) => {
                tracing::warn!(content = %self.state.content, why, "the manifest is refused");
                self.state.set_phase(FetchPhase::Manifest);
                self.input(SwarmInput::ManifestRefused, ctx);
            }
            Prepared::Impossible(why) => self.state.fail(why),
        }
    }

    pub(super) fn stored(
        &mut self,
        link: LinkId,
        chunk: ChunkIndex,
        bytes: u32,
        ctx: &mut Context<Self>,
    ) {
        if self.state.received.fetch_add(u64::from(bytes), Ordering::Relaxed) == 0 {
            self.shared.metrics.first_chunk(self.state.speed.age());
        }
        self.state.speed.news();
        let before = self.machine.progress().map(|(have, _)| have);
        self.input(SwarmInput::ChunkStored { link: key(link), chunk }, ctx);
        if self.machine.progress().map(|(have, _)| have) == before {
            self.state.wasted.fetch_add(u64::from(bytes), Ordering::Relaxed);
        } else {
            self.state.done.fetch_add(u64::from(bytes), Ordering::Relaxed);
        }
        self.state.progressed();
        self.hold();
    }

    pub(super) fn wasted(&self, bytes: u32) {
        self.state.received.fetch_add(u64::from(bytes), Ordering::Relaxed);
        self.state.wasted.fetch_add(u64::from(bytes), Ordering::Relaxed);
    }

    pub(super) fn connected(&mut self, handle: LinkHandle, resumed: bool, ctx: &mut Context<Self>) {
        let (link, peer, address) = (key(handle.id), handle.peer, handle.address);
        // The link may have ended while this waited; then its end was told already.
        if !self.shared.opened_on(&handle, self.state.content) {
            return;
        }
        let labels = handle.labels();
        self.links.insert(link, handle);
        self.input(SwarmInput::PeerConnected { link, peer, address, labels, resumed }, ctx);
    }

    pub(super) fn serve_failed(&mut self, problem: ServeProblem, ctx: &mut Context<Self>) {
        let ServeProblem { link, chunk, error } = problem;
        if let ReadChunkError::SourceChanged { path, .. } = &*error {
            let (content, path) = (self.state.content, path.clone());
            self.shared.seeder.tell(SeederMessage::Withdraw { content, path });
        } else {
            tracing::warn!(content = %self.state.content, chunk, %error, "cannot serve a chunk");
        }
        self.input(SwarmInput::ServeFailed { link: key(link), chunk }, ctx);
    }

    pub(super) fn verified(
        &mut self,
        link: LinkKey,
        chunk: ChunkIndex,
        good: bool,
        ctx: &mut Context<Self>,
    ) {
        let finished = self.state.stored().is_some_and(|stored| stored.is_finished());
        if !good && (self.state.origin || finished) {
            let path = self.state.stored().map(|stored| stored.output().to_path_buf());
            let (content, path) = (self.state.content, path.unwrap_or_default());
            self.shared.seeder.tell(SeederMessage::Withdraw { content, path });
            return;
        }
        self.input(SwarmInput::OwnChunkVerified { link, chunk, good }, ctx);
    }

    pub(super) fn completed(&mut self) {
        if self.state.origin || self.state.stored().is_some_and(|stored| stored.is_finished()) {
            self.finished(Ok(()));
        } else {
            self.state.set_phase(FetchPhase::Finishing);
            self.order(Work::Finish);
        }
    }

    pub(super) fn finished(&mut self, result: Result<(), String>) {
        match result {
            Ok(()) => self.state.set_phase(FetchPhase::Complete),
            Err(why) => self.state.fail(why),
        }
        self.hold();
    }
}
