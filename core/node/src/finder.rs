//! Asks other nodes what they know: what a release points to, who holds a content.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use samara_model::{ContentId, PeerHint, PeerMessage, Release, ReleaseName};
use tokio::sync::mpsc;

use crate::link::{LinkCommand, LinkHandle};

/// Answers that may wait for one asker.
const ANSWERS: usize = 64;

/// What somebody knows.
#[derive(Debug, Clone)]
pub struct Found {
    /// The release, when it was asked for and is known.
    pub release: Option<Release>,
    /// Some who hold the content.
    pub holders: Vec<PeerHint>,
}

/// Open questions, by token.
#[derive(Debug, Default)]
pub struct Finder {
    open: Mutex<HashMap<u32, mpsc::Sender<Found>>>,
    next: AtomicU32,
}

/// An open question; forgotten when dropped.
pub struct Search<'a> {
    finder: &'a Finder,
    token: u32,
    answers: mpsc::Receiver<Found>,
    release: Option<ReleaseName>,
    content: Option<ContentId>,
}

impl Finder {
    /// Opens a question; nobody is asked yet.
    pub fn search(&self, release: Option<ReleaseName>, content: Option<ContentId>) -> Search<'_> {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = mpsc::channel(ANSWERS);
        self.lock().insert(token, sender);
        Search { finder: self, token, answers, release, content }
    }

    /// Somebody answered.
    pub fn answered(&self, token: u32, found: Found) {
        let sender = self.lock().get(&token).cloned();
        if let Some(sender) = sender {
            // A full queue means that the asker has more answers than it can use.
            let _ = sender.try_send(found);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, mpsc::Sender<Found>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Search<'_> {
    /// Asks one more node.
    pub fn ask(&self, link: &LinkHandle) {
        let message = PeerMessage::Find {
            token: self.token,
            release: self.release.clone(),
            content: self.content,
        };
        let _ = link.command(LinkCommand::Send { content: None, message });
    }

    /// The next answer that says anything. Cancel safe.
    pub async fn next(&mut self) -> Option<Found> {
        loop {
            let found = self.answers.recv().await?;
            let right_release =
                found.release.as_ref().map(|one| &one.release) == self.release.as_ref();
            if (self.release.is_some() && right_release) || !found.holders.is_empty() {
                return Some(found);
            }
        }
    }
}

impl Drop for Search<'_> {
    fn drop(&mut self) {
        self.finder.lock().remove(&self.token);
    }
}
