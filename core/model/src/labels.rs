//! Labels: what an operator says of a node, `rack=r12`, and the numbers that stand for their values.
//!
//! Labels travel in the handshake, so each neighbour's are known. Policies and hints carry numbers instead:
//! bounded, cheap to compare, and equal where the values are equal. `samara-wire` makes them, as it hashes.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// Most labels of one node.
pub const MAX_LABELS: usize = 16;
/// Longest key of a label, in bytes.
pub const MAX_LABEL_KEY: usize = 63;
/// Longest value of a label, in bytes.
pub const MAX_LABEL_VALUE: usize = 128;

/// Where a node stands in the largest sense: a region, a data centre, a building.
pub const ZONE: &str = "zone";
/// Nodes behind one switch.
pub const RACK: &str = "rack";
/// Nodes on one machine.
pub const HOST: &str = "host";

/// Text that cannot be a label, or one label too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// There is no `=`.
    #[error("`{text}` is no label: write KEY=VALUE, for example rack=r12")]
    NoValue {
        /// What was given, cut to 64 characters.
        text: String,
    },
    /// The key is empty, too long, or has a character that is not allowed.
    #[error(
        "`{key}` cannot be the key of a label: use 1 to 63 lower-case letters, digits, `.`, `_`, `-` or `/`"
    )]
    BadKey {
        /// The key, cut to 64 characters.
        key: String,
    },
    /// The value is empty, too long, or has a character that is not allowed.
    #[error(
        "`{value}` cannot be the value of the label `{key}`: use 1 to 128 letters, digits or signs, without spaces"
    )]
    BadValue {
        /// The key.
        key: String,
        /// The value, cut to 64 characters.
        value: String,
    },
    /// The key was given twice.
    #[error("the label `{key}` is given twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// More than [`MAX_LABELS`].
    #[error("a node has at most 16 labels")]
    TooMany,
}

/// What an operator says of a node: at most [`MAX_LABELS`] pairs, ordered by key. `zone`, `rack` and `host`
/// are known to every policy; others are shown to the policies that name them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, String)>", into = "Vec<(String, String)>")]
pub struct Labels(Vec<(String, String)>);

/// One `KEY=VALUE`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// 1 to [`MAX_LABEL_KEY`] lower-case letters, digits, `.`, `_`, `-`, `/`.
    pub key: String,
    /// 1 to [`MAX_LABEL_VALUE`] printable ASCII characters without spaces.
    pub value: String,
}

impl Label {
    /// Checks both parts.
    ///
    /// # Errors
    /// When one is empty, too long, or has a character that is not allowed.
    pub fn new(key: &str, value: &str) -> Result<Label, LabelError> {
        if !is_key(key) {
            return Err(LabelError::BadKey { key: excerpt(key) });
        }
        let fits = (1..=MAX_LABEL_VALUE).contains(&value.len());
        if !fits || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(LabelError::BadValue { key: key.to_string(), value: excerpt(value) });
        }
        Ok(Label { key: key.to_string(), value: value.to_string() })
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Label, LabelError> {
        match text.split_once('=') {
            Some((key, value)) => Label::new(key, value),
            None => Err(LabelError::NoValue { text: excerpt(text) }),
        }
    }
}

impl Labels {
    /// Adds a label.
    ///
    /// # Errors
    /// When its key is there already, or there are [`MAX_LABELS`]; nothing has changed then.
    pub fn add(&mut self, label: Label) -> Result<(), LabelError> {
        let Err(at) = self.0.binary_search_by(|(key, _)| key.as_str().cmp(&label.key)) else {
            return Err(LabelError::Twice { key: label.key });
        };
        if self.0.len() >= MAX_LABELS {
            return Err(LabelError::TooMany);
        }
        self.0.insert(at, (label.key, label.value));
        Ok(())
    }

    /// The value of a label.
    pub fn value(&self, key: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// All of them, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<(String, String)>> for Labels {
    type Error = LabelError;

    fn try_from(pairs: Vec<(String, String)>) -> Result<Labels, LabelError> {
        let mut labels = Labels::default();
        for (key, value) in pairs {
            labels.add(Label::new(&key, &value)?)?;
        }
        Ok(labels)
    }
}

impl From<Labels> for Vec<(String, String)> {
    fn from(labels: Labels) -> Self {
        labels.0
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.iter().enumerate() {
            write!(f, "{}{key}={value}", if at > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

/// Whether this can be the key of a label.
pub fn is_key(key: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/".contains(&byte);
    (1..=MAX_LABEL_KEY).contains(&key.len()) && key.bytes().all(allowed)
}

fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Numbers that stand for the values of the well-known labels; 0 without the label. Small enough to go with
/// every hint, so that a policy knows where a peer is before it is a neighbour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Of [`ZONE`].
    pub zone: u64,
    /// Of [`RACK`].
    pub rack: u64,
    /// Of [`HOST`].
    pub host: u64,
}

impl Place {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Place::default()
    }
}

/// The labels of a node with a number in place of each value. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelNumbers(Arc<[(String, u64)]>);

impl LabelNumbers {
    /// Takes `number` of each value, a hash that is never 0.
    pub fn new(labels: &Labels, number: impl Fn(&str) -> u64) -> Self {
        LabelNumbers(labels.iter().map(|(key, value)| (key.to_string(), number(value))).collect())
    }

    /// The number of a label; 0 without it.
    pub fn number(&self, key: &str) -> u64 {
        self.0.iter().find(|(known, _)| known == key).map_or(0, |(_, number)| *number)
    }

    /// The well-known ones.
    pub fn place(&self) -> Place {
        Place { zone: self.number(ZONE), rack: self.number(RACK), host: self.number(HOST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn labels_are_ordered_and_found() {
        let mut labels = Labels::default();
        for text in ["zone=eu-1", "rack=r12", "team/owner=video=live"] {
            labels.add(text.parse().expect("a label")).expect("room");
        }
        assert_eq!(labels.to_string(), "rack=r12 team/owner=video=live zone=eu-1");
        assert_eq!(labels.value("rack"), Some("r12"));
        assert_eq!(labels.value("host"), None);
        let numbers = LabelNumbers::new(&labels, |value| value.len() as u64);
        assert_eq!(numbers.place(), Place { zone: 4, rack: 3, host: 0 });
        assert_eq!(numbers.number("team/owner"), 10);
    }

    #[test]
    fn what_cannot_be_a_label_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<Label>().expect_err("no label").to_string();
        assert!(refused("rack").contains("write KEY=VALUE"));
        assert!(refused("Rack=1").contains("cannot be the key"));
        assert!(refused("=1").contains("cannot be the key"));
        assert!(refused("rack=").contains("cannot be the value of the label `rack`"));
        assert!(refused("rack=a b").contains("without spaces"));
        assert!(refused(&format!("rack={}", "x".repeat(129))).contains("1 to 128"));
        let mut labels = Labels::default();
        let label = |n: usize| Label::new(&format!("k{n}"), "v").expect("a label");
        for n in 0..MAX_LABELS {
            labels.add(label(n)).expect("room");
        }
        assert_eq!(labels.add(label(0)), Err(LabelError::Twice { key: "k0".into() }));
        assert_eq!(labels.add(label(99)), Err(LabelError::TooMany));
        assert!(Labels::try_from(vec![("a".into(), "b".into()); 2]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_label_or_refused(text: String) {
            if let Ok(label) = text.parse::<Label>() {
                prop_assert_eq!(format!("{}={}", label.key, label.value), text);
                prop_assert!(label.key.len() <= MAX_LABEL_KEY);
                prop_assert!(label.value.len() <= MAX_LABEL_VALUE);
            }
        }

        #[test]
        fn any_pairs_are_bounded_labels_or_refused(
            pairs in proptest::collection::vec(("[a-z=]{0,3}", "[!-~ ]{0,3}"), 0..20)
        ) {
            if let Ok(labels) = Labels::try_from(pairs.clone()) {
                prop_assert_eq!(labels.iter().count(), pairs.len());
                prop_assert!(pairs.len() <= MAX_LABELS);
                for (key, value) in &pairs {
                    prop_assert_eq!(labels.value(key), Some(value.as_str()));
                }
            }
        }
    }
}
