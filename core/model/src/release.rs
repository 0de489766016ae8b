//! Releases: NAME@VERSION pointing to a content.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

use crate::{ContentId, ParseIdError, PeerId};

/// Longest name or version, in bytes.
const MAX_NAME: usize = 128;

/// Text that is not NAME@VERSION.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseReleaseNameError {
    /// There is no `@`.
    #[error("`{text}` has no version: write NAME@VERSION, for example llama@2.1, or a content id")]
    NoVersion {
        /// What was given.
        text: String,
    },
    /// A part is empty, too long, or has a character that is not allowed.
    #[error("`{part}` cannot be a {what}: use 1 to 128 letters, digits, `.`, `_`, `-`, `/` or `+`")]
    BadPart {
        /// The part that is wrong.
        part: String,
        /// `name` or `version`.
        what: &'static str,
    },
}

/// A name and a version, for people; unique in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReleaseName {
    /// What it is, for example `llama`.
    pub name: String,
    /// Which one, for example `2.1`.
    pub version: String,
}

impl ReleaseName {
    /// Checks both parts.
    ///
    /// # Errors
    /// When a part is empty, longer than 128 bytes, or has a character outside `A-Za-z0-9._-/+`.
    pub fn new(name: &str, version: &str) -> Result<Self, ParseReleaseNameError> {
        check_part(name, "name")?;
        check_part(version, "version")?;
        Ok(ReleaseName { name: name.to_string(), version: version.to_string() })
    }
}

fn check_part(part: &str, what: &'static str) -> Result<(), ParseReleaseNameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/+".contains(c);
    if part.is_empty() || part.len() > MAX_NAME || !part.chars().all(allowed) {
        return Err(ParseReleaseNameError::BadPart {
            part: part.chars().take(MAX_NAME).collect(),
            what,
        });
    }
    Ok(())
}

impl fmt::Display for ReleaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

impl FromStr for ReleaseName {
    type Err = ParseReleaseNameError;

    fn from_str(text: &str) -> Result<Self, ParseReleaseNameError> {
        let (name, version) = text.split_once('@').ok_or_else(|| {
            ParseReleaseNameError::NoVersion { text: text.chars().take(MAX_NAME).collect() }
        })?;
        ReleaseName::new(name, version)
    }
}

/// An immutable record: this name and version mean this content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Name and version.
    pub release: ReleaseName,
    /// What they point to.
    pub content: ContentId,
    /// Who published it.
    pub publisher: PeerId,
    /// Seconds since the Unix epoch, by the publisher's clock; for people only.
    pub published_at: u64,
    /// Reserved for the publisher's signature.
    pub signature: Option<Vec<u8>>,
}

/// Two publishers gave one name and version to different contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{release} is already published by {first} as content {kept}; {second} wants it to be {refused}. \
     The first stays; publish the other under a new version"
)]
pub struct ReleaseConflict {
    /// The disputed release.
    pub release: ReleaseName,
    /// Publisher of the one that stays.
    pub first: PeerId,
    /// Publisher of the one that is refused.
    pub second: PeerId,
    /// The content that stays.
    pub kept: ContentId,
    /// The content that is refused.
    pub refused: ContentId,
}

/// The conflict between a known release and another record, if they disagree.
pub fn conflict_between(known: &Release, other: &Release) -> Option<ReleaseConflict> {
    (known.release == other.release && known.content != other.content).then(|| ReleaseConflict {
        release: known.release.clone(),
        first: known.publisher,
        second: other.publisher,
        kept: known.content,
        refused: other.content,
    })
}

/// How a user names a content: by id, or by release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentRef {
    /// By its id.
    Id(ContentId),
    /// By NAME@VERSION.
    Release(ReleaseName),
}

impl FromStr for ContentRef {
    type Err = ParseReleaseNameError;

    fn from_str(text: &str) -> Result<Self, ParseReleaseNameError> {
        let id: Result<ContentId, ParseIdError> = text.parse();
        match id {
            Ok(id) => Ok(ContentRef::Id(id)),
            Err(_) => text.parse().map(ContentRef::Release),
        }
    }
}

impl fmt::Display for ContentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContentRef::Id(id) => id.fmt(f),
            ContentRef::Release(release) => release.fmt(f),
        }
    }
}
