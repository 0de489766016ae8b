//! Why an entry stands where it stands, also where nothing moves.

use super::entry::Wish;
use super::find::Found;
use crate::documents::{ReasonDocument, WhyDocument};
use crate::shared::Shared;

impl Shared {
    /// The answer of `samara why`.
    pub fn why_found(&self, found: &Found) -> WhyDocument {
        let wish = found.entry.as_ref().map(|(_, entry)| entry.wish.clone());
        let state = found.content.and_then(|content| self.content(&content));
        let row = self.content_row(found);
        let mut why = match &state {
            Some(state) if !matches!(wish, Some(Wish::Failed(_) | Wish::Cancelled)) => {
                self.why(state)
            }
            _ => WhyDocument {
                version: 1,
                content: row.content.clone().or(row.release.clone()).unwrap_or_default(),
                ..WhyDocument::default()
            },
        };
        why.state.clone_from(&row.state);
        let reason = |code: &str, text: String, remedy: &str| ReasonDocument {
            code: code.to_owned(),
            text,
            remedy: remedy.to_owned(),
        };
        let said = match (row.state.as_str(), wish) {
            ("publishing", _) => Some(reason(
                "hashing",
                "its source is read and hashed".into(),
                "Wait: it is served when that is done",
            )),
            (_, Some(Wish::Failed(text))) => Some(reason(
                "over",
                format!("it failed: {text}"),
                "Give the same order again when that is mended",
            )),
            (_, Some(Wish::Cancelled)) => {
                Some(reason("over", "it was cancelled".into(), "Fetch it again: what came is kept"))
            }
            ("withdrawn", _) => Some(reason(
                "over",
                row.reason.clone().unwrap_or_else(|| "its files changed".into()),
                "Fetch or publish it again",
            )),
            (_, Some(Wish::Fetch)) if state.is_none() => Some(self.unresolved()),
            _ => None,
        };
        if let Some(said) = said {
            why.reasons = vec![said];
        }
        why
    }

    /// Why a name is not resolved.
    pub(super) fn unresolved(&self) -> ReasonDocument {
        let links = self.live_links().len();
        let (code, text, remedy) = if links == 0 {
            let why = self.last_dial_error();
            (
                "no-links",
                format!("this node is linked with nobody ({why})"),
                "Check `node.join` and the network",
            )
        } else {
            (
                "unknown-name",
                format!("none of the {links} linked nodes knows a release of this name"),
                "Check name and version, and that its origin is up; it is asked for again and again",
            )
        };
        ReasonDocument { code: code.into(), text, remedy: remedy.into() }
    }
}
