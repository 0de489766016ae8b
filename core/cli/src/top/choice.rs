//! Which content is looked at.

use samara_node::documents::ContentDocument;

use super::gather::Seen;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    key: Option<String>,
}

impl Choice {
    /// What is under way, or else what comes first.
    pub fn first(seen: &Seen) -> Choice {
        let mut choice = Choice::default();
        choice.keep_valid(seen);
        choice
    }

    /// The content, if there is one.
    pub fn content<'a>(&self, seen: &'a Seen) -> Option<&'a ContentDocument> {
        seen.contents.get(self.place(seen)?)
    }

    /// Where it stands in the list.
    pub fn place(&self, seen: &Seen) -> Option<usize> {
        let key = self.key.as_ref()?;
        // A fetch has no id while its name is resolved: what was chosen by its name stays so afterwards.
        let is_it =
            |one: &ContentDocument| key_of(one) == *key || one.release.as_ref() == Some(key);
        seen.contents.iter().position(is_it)
    }

    /// Chooses something that is there where the chosen one is not.
    pub fn keep_valid(&mut self, seen: &Seen) {
        if self.place(seen).is_none() {
            let moving = seen.contents.iter().find(|one| one.state != "complete");
            self.key = moving.or(seen.contents.first()).map(key_of);
        }
    }

    /// The one above.
    pub fn up(&mut self, seen: &Seen) {
        self.go_to(seen, self.place(seen).map(|place| place.saturating_sub(1)));
    }

    /// The one below.
    pub fn down(&mut self, seen: &Seen) {
        self.go_to(seen, self.place(seen).map(|place| place + 1));
    }

    fn go_to(&mut self, seen: &Seen, place: Option<usize>) {
        if let Some(one) = place.and_then(|place| seen.contents.get(place)) {
            self.key = Some(key_of(one));
        }
    }
}

/// What a content is known by: its id, or what was asked for.
pub fn key_of(one: &ContentDocument) -> String {
    let known = one.content.clone().or_else(|| one.release.clone());
    known.unwrap_or_else(|| one.path.display().to_string())
}
