//! Which content somebody means: an id, the first digits of one, or NAME@VERSION.

use samara_model::{ContentId, ReleaseName};

use super::{Entry, Inner};
use crate::shared::Shared;

/// Fewest digits of an id that are looked up.
const FEWEST_DIGITS: usize = 6;

/// It is not known which content is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// None fits.
    #[error(
        "this node takes part in no content `{text}`: `samara contents` lists those that it does; give an id, \
         at least its first 6 digits, or NAME@VERSION"
    )]
    Unknown {
        /// What was asked for.
        text: String,
    },
    /// Several fit.
    #[error("`{text}` fits {count} contents of this node: give more digits of the id")]
    Several {
        /// What was asked for.
        text: String,
        /// How many fit.
        count: usize,
    },
}

/// An entry, or a content that has none.
#[derive(Debug, Clone)]
pub struct Found {
    /// The entry's number and itself.
    pub entry: Option<(u64, Entry)>,
    /// The content, once known.
    pub content: Option<ContentId>,
}

impl Inner {
    pub(super) fn by_release(&self, name: &ReleaseName) -> Option<u64> {
        let mut entries = self.entries.iter();
        entries.find(|(_, entry)| entry.releases.contains(name)).map(|(number, _)| *number)
    }
}

impl Shared {
    /// The content that `text` means, among those that this node takes part in.
    ///
    /// # Errors
    /// When none fits, or several do.
    pub fn find_content(&self, text: &str) -> Result<Found, FindError> {
        let unknown = || FindError::Unknown { text: text.chars().take(260).collect() };
        if let Ok(name) = text.parse::<ReleaseName>() {
            let inner = self.catalogue.lock();
            if let Some(number) = inner.by_release(&name) {
                let entry = inner.entries.get(&number).cloned();
                let content = entry.as_ref().and_then(|entry| entry.content);
                return Ok(Found { entry: entry.map(|entry| (number, entry)), content });
            }
            drop(inner);
            let content = self.release(&name).map(|release| release.content);
            return match content.filter(|content| self.takes_part_in(content)) {
                Some(content) => Ok(self.found(content)),
                None => Err(unknown()),
            };
        }
        let digits =
            text.len() >= FEWEST_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            return Err(unknown());
        }
        let wanted = text.to_ascii_lowercase();
        let mut fitting: Vec<ContentId> = self.all_contents();
        fitting.retain(|content| content.to_string().starts_with(&wanted));
        match fitting.as_slice() {
            [] => Err(unknown()),
            [content] => Ok(self.found(*content)),
            several => Err(FindError::Several { text: text.to_owned(), count: several.len() }),
        }
    }

    fn found(&self, content: ContentId) -> Found {
        let inner = self.catalogue.lock();
        let number = inner.by_content(&content);
        let entry = number.and_then(|number| Some((number, inner.entries.get(&number)?.clone())));
        Found { entry, content: Some(content) }
    }

    fn takes_part_in(&self, content: &ContentId) -> bool {
        self.content(content).is_some() || self.catalogue.lock().by_content(content).is_some()
    }

    /// Contents with an entry, and those that move without one; each once, in order.
    pub(super) fn all_contents(&self) -> Vec<ContentId> {
        let mut all: Vec<ContentId> =
            self.contents_now().iter().map(|state| state.content).collect();
        all.extend(self.catalogue.lock().entries.values().filter_map(|entry| entry.content));
        all.sort_unstable();
        all.dedup();
        all
    }
}
