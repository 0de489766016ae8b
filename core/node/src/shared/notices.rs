//! What a person should know: kept until somebody listens, and bounded, whatever strangers do.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::{Shared, lock};
use crate::api::Notice;

/// Notices that wait for somebody to read them; later ones are dropped.
const MAX_NOTICES: usize = 1024;
/// An address whose connections are refused is named again after this time.
const REFUSED_AGAIN: Duration = Duration::from_secs(30);
/// Addresses that are named within that time, at most.
const MAX_REFUSED: usize = 64;

/// Notices on their way to a person.
#[derive(Default)]
pub struct Notices {
    early: Vec<Notice>,
    sender: Option<mpsc::SyncSender<Notice>>,
    /// When each address was last named as refused.
    refused: HashMap<IpAddr, Instant>,
}

impl Shared {
    /// Tells whoever watches the node.
    pub fn notify(&self, notice: Notice) {
        // Nobody may listen.
        let _ = self.news.send(notice.clone());
        let mut notices = lock(&self.notices);
        if let Some(sender) = &notices.sender {
            if let Err(mpsc::TrySendError::Disconnected(_)) = sender.try_send(notice) {
                notices.sender = None;
            }
        } else if notices.early.len() < MAX_NOTICES {
            notices.early.push(notice);
        }
    }

    /// Tells that a connection was refused; once in a while per address, however often it tries.
    pub fn notify_refused(&self, remote: SocketAddr, why: &dyn std::fmt::Display) {
        let now = Instant::now();
        {
            let mut notices = lock(&self.notices);
            notices.refused.retain(|_, at| now.duration_since(*at) < REFUSED_AGAIN);
            let full = notices.refused.len() >= MAX_REFUSED;
            if full || notices.refused.contains_key(&remote.ip()) {
                return;
            }
            notices.refused.insert(remote.ip(), now);
        }
        self.notify(Notice::Warning(format!("a connection from {remote} was refused: {why}")));
    }

    /// From now on notices go to a new receiver, the ones that waited first.
    pub fn watch_notices(&self) -> mpsc::Receiver<Notice> {
        let (sender, receiver) = mpsc::sync_channel(MAX_NOTICES);
        let mut notices = lock(&self.notices);
        for early in notices.early.drain(..) {
            let _ = sender.try_send(early);
        }
        notices.sender = Some(sender);
        receiver
    }

    /// A join address did not answer.
    pub fn dial_failed(&self, why: String) {
        *lock(&self.dial_error) = why;
    }

    /// Why the last attempt to join failed.
    pub fn last_dial_error(&self) -> String {
        let why = lock(&self.dial_error).clone();
        if why.is_empty() { "no join address was given".into() } else { why }
    }
}
