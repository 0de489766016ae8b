//! Live links, and which contents are open on them.

use std::sync::PoisonError;

use samara_model::ContentId;

use super::Shared;
use crate::link::{LinkHandle, LinkId};
use crate::metrics::{Scope, Source};

/// A link and the contents that were opened on it.
pub struct LiveLink {
    /// The link.
    pub handle: LinkHandle,
    /// Contents that either side opened.
    pub contents: Vec<ContentId>,
    /// Contents that the other side published.
    pub origin_of: Vec<ContentId>,
    /// Where the other side stands.
    pub scope: Scope,
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
        let one = live.entry(handle.id).or_insert_with(|| self.live_link(handle.clone()));
        if !one.contents.contains(&content) {
            one.contents.push(content);
        }
        true
    }

    /// A link on which nothing is open yet.
    pub fn live_link(&self, handle: LinkHandle) -> LiveLink {
        let scope = Scope::between(&self.place(), &handle.labels().place());
        LiveLink { handle, contents: Vec::new(), origin_of: Vec::new(), scope }
    }

    /// This node has other labels than before: looks at where all others stand.
    pub fn measure_scopes(&self) {
        let here = self.place();
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        for one in live.values_mut() {
            one.scope = Scope::between(&here, &one.handle.labels().place());
        }
    }

    /// The operator of the other side of a link says something else of it. Gives the contents that are open there.
    pub fn relabelled_on(&self, link: LinkId) -> Vec<ContentId> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let Some(one) = live.get_mut(&link) else { return Vec::new() };
        one.scope = Scope::between(&self.place(), &one.handle.labels().place());
        one.contents.clone()
    }

    /// The other side of a link says that it published a content.
    pub fn is_origin_of(&self, link: LinkId, content: ContentId) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = live.get_mut(&link).filter(|one| !one.origin_of.contains(&content)) {
            one.origin_of.push(content);
        }
    }

    /// Where what comes over a link comes from. The last chunks of a link may be looked at after its end.
    pub fn source_of(&self, link: LinkId, content: &ContentId) -> Source {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.get(&link).map_or(Source { scope: Scope::Remote, origin: false }, |one| Source {
            scope: one.scope,
            origin: one.origin_of.contains(content),
        })
    }

    /// The other side of a link does not take part in a content any more.
    pub fn closed_on(&self, link: LinkId, content: &ContentId) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = live.get_mut(&link) {
            one.contents.retain(|open| open != content);
            one.origin_of.retain(|open| open != content);
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
