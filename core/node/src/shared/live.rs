//! Live links, and which contents are open on them.

use std::sync::PoisonError;

use samara_model::ContentId;

use super::Shared;
use crate::link::{LinkHandle, LinkId};

/// A link and the contents that were opened on it.
pub struct LiveLink {
    /// The link.
    pub handle: LinkHandle,
    /// Contents that either side opened.
    pub contents: Vec<ContentId>,
}

impl Shared {
    /// A live link.
    pub fn link(&self, link: LinkId) -> Option<LinkHandle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(&link).map(|one| one.handle.clone())
    }

    /// Notes that a content is open on a link; false when the link has ended. Its `Disconnected`, which
    /// takes it out again, comes after it is marked as closed, so nothing stays behind.
    pub fn opened_on(&self, handle: &LinkHandle, content: ContentId) -> bool {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if handle.is_closed() {
            return false;
        }
        let one = live
            .entry(handle.id)
            .or_insert_with(|| LiveLink { handle: handle.clone(), contents: Vec::new() });
        if !one.contents.contains(&content) {
            one.contents.push(content);
        }
        true
    }

    /// The other side of a link does not take part in a content any more.
    pub fn closed_on(&self, link: LinkId, content: &ContentId) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = live.get_mut(&link) {
            one.contents.retain(|open| open != content);
        }
    }

    /// All live links.
    pub fn live_links(&self) -> Vec<LinkHandle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.values().map(|one| one.handle.clone()).collect()
    }

    /// The links on which a content is open.
    pub fn links_of(&self, content: &ContentId) -> Vec<LinkHandle> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let of = live.values().filter(|one| one.contents.contains(content));
        of.map(|one| one.handle.clone()).collect()
    }
}
