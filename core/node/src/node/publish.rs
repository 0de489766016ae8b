//! Publishing: from a source on disk to a content that is served.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};

use samara_model::{ByteCount, Release};
use samara_store::Store;

use super::{Node, PublishError};
use crate::api::{FetchPhase, HashProgress, PublishRequest, Published};
use crate::content_state::ContentState;
use crate::gossip_actor::GossipMessage;
use crate::seeder_actor::SeederMessage;
use crate::shared::Shared;
use crate::tracker_actor::TrackerMessage;

impl Node {
    /// Hashes a file or tree and serves it from where it lies. Blocks; `progress` is called from several
    /// threads.
    ///
    /// # Errors
    /// When it cannot be read, changes meanwhile, or its version exists with another content.
    pub fn publish(
        &self,
        request: PublishRequest,
        progress: impl Fn(HashProgress) + Send + Sync + 'static,
    ) -> Result<Published, PublishError> {
        self.publish_until(request, progress, &AtomicBool::new(false))
    }

    /// Like [`Node::publish`], and gives up soon after `stop` is set.
    ///
    /// # Errors
    /// As [`Node::publish`]; an [`ImportError`](samara_store::ImportError) when it was stopped.
    pub fn publish_until(
        &self,
        request: PublishRequest,
        progress: impl Fn(HashProgress) + Send + Sync + 'static,
        stop: &AtomicBool,
    ) -> Result<Published, PublishError> {
        self.shared.publish_until(request, progress, stop)
    }
}

impl Shared {
    /// See [`Node::publish_until`].
    pub fn publish_until(
        self: &Arc<Self>,
        request: PublishRequest,
        progress: impl Fn(HashProgress) + Send + Sync + 'static,
        stop: &AtomicBool,
    ) -> Result<Published, PublishError> {
        let report =
            |done, total| progress(HashProgress { done: ByteCount(done), total: ByteCount(total) });
        let imported = Store::import(&request.path, request.chunk_size, &report, stop)?;
        let bytes = samara_wire::encode_manifest(&imported.manifest);
        let content = samara_wire::manifest_id(&bytes);
        let release = Release {
            release: request.release.clone(),
            content,
            publisher: self.me,
            published_at: self.published_now(&request.release),
            signature: None,
        };
        self.add_release(&release)?;
        let files = imported.manifest.files.len();
        let root = std::path::absolute(&request.path).unwrap_or(request.path);
        let stored = self.store.publish(content, bytes, imported, &root)?;
        let published = Published {
            content,
            release: request.release,
            size: stored.total(),
            chunks: stored.manifest().chunk_count(),
            files,
        };
        let state = ContentState::new(content, true, None);
        state.set_stored(stored);
        state.set_phase(FetchPhase::Complete);
        self.open(state);
        self.tell_release(release);
        Ok(published)
    }

    /// Takes part in a content that was published, unless this node does already.
    pub fn open(&self, state: Arc<ContentState>) {
        let mut contents = self.contents.write().unwrap_or_else(PoisonError::into_inner);
        let before = contents.get(&state.content).cloned();
        if before.as_ref().is_some_and(|before| !before.is_withdrawn() && !before.is_closed()) {
            return;
        }
        contents.insert(state.content, state.clone());
        drop(contents);
        let seeder = self.seeder.clone();
        self.data_plane.spawn(async move {
            if let Some(before) = before {
                before.close();
                seeder.deliver(SeederMessage::Close(before)).await;
            }
            seeder.deliver(SeederMessage::Open(state)).await;
        });
    }

    /// Lets gossip and tracker know a release.
    pub fn tell_release(&self, release: Release) {
        self.gossip.tell(GossipMessage::ReleaseAdded(release.clone()));
        self.tracker.tell(TrackerMessage::ReleaseAdded(release));
    }
}
