//! The contents of one store, and which of them is just being started, so that two calls for the same
//! content do not prepare the same files at once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use samara_model::ContentId;

use crate::content::Content;

/// How often a waiting call looks at its stop flag.
const STOP_CHECK: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
pub(crate) struct Registry {
    slots: Mutex<HashMap<ContentId, Slot>>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct Slot {
    ready: Option<Arc<Content>>,
    /// Where a call that has claimed this content is going to put it.
    claimed_for: Option<PathBuf>,
}

/// Why a content could not be claimed.
#[derive(Debug)]
pub(crate) enum ClaimRefused {
    Stopped,
    ClaimedFor(PathBuf),
}

/// The exclusive right to start one content; given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    registry: &'a Registry,
    content: ContentId,
}

impl Registry {
    pub fn get(&self, content: &ContentId) -> Option<Arc<Content>> {
        self.lock().get(content)?.ready.clone()
    }

    pub fn contents(&self) -> Vec<Arc<Content>> {
        self.lock().values().filter_map(|slot| slot.ready.clone()).collect()
    }

    pub fn take(&self, content: &ContentId) -> Option<Arc<Content>> {
        let mut slots = self.lock();
        let slot = slots.get_mut(content)?;
        let ready = slot.ready.take();
        if slot.claimed_for.is_none() {
            slots.remove(content);
        }
        self.released.notify_all();
        ready
    }

    /// Waits until `content` may have been let go of: a call for it has ended, or it was taken away.
    pub fn wait_let_go(&self, content: &ContentId, at_most: Duration) {
        let slots = self.lock();
        let unfinished = |slot: &Slot| slot.ready.as_ref().is_some_and(|one| !one.is_finished());
        let held = |slots: &mut HashMap<ContentId, Slot>| {
            let slot = slots.get(content);
            slot.is_some_and(|slot| slot.claimed_for.is_some() || unfinished(slot))
        };
        drop(self.released.wait_timeout_while(slots, at_most, held));
    }

    /// Claims `content`; waits while another call starts it for the same `output`.
    pub fn claim(
        &self,
        content: ContentId,
        output: &Path,
        stop: &AtomicBool,
    ) -> Result<Claim<'_>, ClaimRefused> {
        let mut slots = self.lock();
        loop {
            let slot = slots.entry(content).or_default();
            match &slot.claimed_for {
                None => {
                    slot.claimed_for = Some(output.to_owned());
                    return Ok(Claim { registry: self, content });
                }
                Some(other) if other != output => {
                    return Err(ClaimRefused::ClaimedFor(other.clone()));
                }
                Some(_) if stop.load(Ordering::Relaxed) => return Err(ClaimRefused::Stopped),
                Some(_) => {
                    let waited = self.released.wait_timeout(slots, STOP_CHECK);
                    slots = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ContentId, Slot>> {
        self.slots.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Claim<'_> {
    pub fn ready(&self) -> Option<Arc<Content>> {
        self.registry.get(&self.content)
    }

    pub fn set_ready(&self, content: Option<Arc<Content>>) {
        self.registry.lock().entry(self.content).or_default().ready = content;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut slots = self.registry.lock();
        if let Some(slot) = slots.get_mut(&self.content) {
            slot.claimed_for = None;
            if slot.ready.is_none() {
                slots.remove(&self.content);
            }
        }
        self.registry.released.notify_all();
    }
}
