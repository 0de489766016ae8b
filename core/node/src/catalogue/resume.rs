//! A daemon that starts takes up what it was asked before: serves what is here, fetches what is not, and hashes
//! what it had not finished.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use samara_model::ContentId;

use super::FILE;
use super::entry::{Entry, Wish, from_bytes};
use crate::api::{FetchPhase, Notice};
use crate::chunk_store_actor::chain;
use crate::content_state::ContentState;
use crate::shared::Shared;

impl Shared {
    /// Takes up everything. Reads manifests, and no content. Blocks.
    pub fn resume_catalogue(self: &Arc<Self>) {
        if !self.config.remember {
            return;
        }
        let entries = self.read_catalogue();
        for mut entry in entries {
            for record in &entry.records {
                if self.add_release(record).is_ok() {
                    self.tell_release(record.clone());
                }
            }
            if let (Wish::Hold | Wish::Withdrawn(_), Some(content)) = (&entry.wish, entry.content) {
                entry.wish = match self.serve_again(content, &entry) {
                    Ok(()) => Wish::Hold,
                    Err(why) => {
                        tracing::warn!(content = entry.name(), why, "not served again");
                        Wish::Withdrawn(why)
                    }
                };
            }
            // Whoever asked for it, and said how long to wait, is not there any more; and the network of a machine
            // that starts may come up late.
            entry.wait_ms = None;
            let wish = entry.wish.clone();
            let mut inner = self.catalogue.lock();
            let number = inner.add(entry);
            match wish {
                Wish::Fetch => self.start_fetch(&mut inner, number),
                Wish::Publish => self.start_publish(&mut inner, number),
                _ => {}
            }
        }
        self.save_catalogue();
    }

    fn read_catalogue(&self) -> Vec<Entry> {
        let Some(bytes) = self.store.read_state(FILE) else { return Vec::new() };
        let damaged = |why: String| {
            // What cannot be read is kept for a person, and not written over.
            let aside = format!("{FILE}.damaged");
            let kept = self.store.write_state(&aside, &bytes).is_ok();
            let kept = if kept { format!("; it is kept as {aside}") } else { String::new() };
            self.notify(Notice::Warning(format!(
                "the list of what this node takes part in ({FILE}) cannot be read: {why}{kept}. Files are \
                 untouched: publish and fetch again, what is in place is not fetched twice"
            )));
        };
        match from_bytes(&bytes) {
            Ok((entries, 0)) => entries,
            Ok((entries, lost)) => {
                damaged(format!("{lost} of its entries make no sense"));
                entries
            }
            Err(why) => {
                damaged(why);
                Vec::new()
            }
        }
    }

    /// Serves what an earlier run had in place, when its files are as they were.
    fn serve_again(self: &Arc<Self>, content: ContentId, entry: &Entry) -> Result<(), String> {
        let bytes = self.store.known_manifest(&content).ok_or_else(|| {
            format!(
                "the data directory has no manifest of it any more; {} is untouched. {}",
                entry.path.display(),
                again(entry)
            )
        })?;
        let manifest = samara_wire::decode_manifest(&bytes).map_err(|why| why.to_string())?;
        let stored = self
            .store
            .reopen(content, bytes, manifest)
            .map_err(|error| format!("{}. {}", chain(&error), again(entry)))?;
        let output = (!entry.origin).then(|| entry.path.clone());
        let state = ContentState::new(content, entry.origin, output);
        state.done.store(stored.total().0, Ordering::Relaxed);
        state.resumed.store(stored.total().0, Ordering::Relaxed);
        state.priority.store(entry.priority, Ordering::Relaxed);
        state.set_stored(stored);
        state.set_phase(FetchPhase::Complete);
        self.open(state);
        Ok(())
    }
}

fn again(entry: &Entry) -> String {
    let name = entry.name();
    if entry.origin {
        "Publish it again, under a new version if it changed".to_owned()
    } else {
        format!("`samara fetch {name}` brings it back")
    }
}
