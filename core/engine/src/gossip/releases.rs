//! Releases: immutable records, of which the first one known wins.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use samara_model::{ContentId, PeerId, Release, ReleaseConflict, ReleaseName, conflict_between};

/// Longest signature that is believed; ed25519 takes 64 bytes.
const MAX_SIGNATURE: usize = 256;
/// Disputed records that are remembered, so that each is reported once.
const MAX_DISPUTED: usize = 1024;

/// What a record offered to the table came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Offered {
    /// It was not known and now is.
    Learned,
    /// It says what is known already, or it cannot be a release.
    Nothing,
    /// It contradicts what is known, which stays.
    Refused {
        /// Who wants what.
        conflict: ReleaseConflict,
        /// Whether it is the first time that this record is refused.
        first_time: bool,
    },
}

/// The releases that are known.
#[derive(Debug)]
pub(crate) struct ReleaseTable {
    known: BTreeMap<ReleaseName, Known>,
    disputed: BTreeSet<(ReleaseName, PeerId, ContentId)>,
    most: usize,
    learned: u64,
}

#[derive(Debug)]
struct Known {
    release: Release,
    /// Counts up with each release learned: the oldest has the lowest.
    order: u64,
    own: bool,
}

impl ReleaseTable {
    /// An empty table for at most `most` releases.
    pub fn new(most: usize) -> Self {
        ReleaseTable { known: BTreeMap::new(), disputed: BTreeSet::new(), most, learned: 0 }
    }

    /// Takes `release` unless its name already means another content. Over the bound the oldest goes, of
    /// the `own` ones last.
    pub fn offer(&mut self, release: Release, own: bool) -> Offered {
        if !is_valid(&release) {
            return Offered::Nothing;
        }
        if let Some(known) = self.known.get_mut(&release.release) {
            let Some(conflict) = conflict_between(&known.release, &release) else {
                known.own |= own;
                return Offered::Nothing;
            };
            let first_time = self.remember_dispute(release);
            return Offered::Refused { conflict, first_time };
        }
        self.learned += 1;
        let name = release.release.clone();
        self.known.insert(name, Known { release, order: self.learned, own });
        self.drop_oldest();
        Offered::Learned
    }

    /// What a name means.
    pub fn find(&self, name: &ReleaseName) -> Option<&Release> {
        self.known.get(name).map(|known| &known.release)
    }

    /// All, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = &Release> {
        self.known.values().map(|known| &known.release)
    }

    /// All, own ones first, then the latest, as many as fit `bytes`.
    pub fn fitting(&self, bytes: usize) -> Vec<Release> {
        let mut known: Vec<&Known> = self.known.values().collect();
        known.sort_by_key(|known| (!known.own, core::cmp::Reverse(known.order)));
        let mut room = bytes;
        let fits = |release: &&Release| {
            let size = encoded_size(release);
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        };
        known.into_iter().map(|known| &known.release).take_while(fits).cloned().collect()
    }

    fn remember_dispute(&mut self, refused: Release) -> bool {
        if self.disputed.len() >= MAX_DISPUTED {
            self.disputed.pop_first();
        }
        self.disputed.insert((refused.release, refused.publisher, refused.content))
    }

    fn drop_oldest(&mut self) {
        if self.known.len() <= self.most {
            return;
        }
        let oldest = self.known.iter().min_by_key(|(_, known)| (known.own, known.order));
        let oldest = oldest.map(|(name, _)| name.clone());
        if let Some(name) = oldest {
            self.known.remove(&name);
        }
    }
}

fn is_valid(release: &Release) -> bool {
    let ReleaseName { name, version } = &release.release;
    ReleaseName::new(name, version).is_ok()
        && release.signature.as_ref().is_none_or(|bytes| bytes.len() <= MAX_SIGNATURE)
}

/// At least the bytes that a release takes in a message.
fn encoded_size(release: &Release) -> usize {
    let ReleaseName { name, version } = &release.release;
    let signature = release.signature.as_ref().map_or(0, Vec::len);
    100 + name.len() + version.len() + 2 * signature
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn release(version: u32, content: u8, publisher: u8) -> Release {
        Release {
            release: ReleaseName::new("llama", &format!("{version}")).expect("a plain name"),
            content: ContentId([content; 32]),
            publisher: PeerId([publisher; 32]),
            published_at: 0,
            signature: None,
        }
    }

    #[test]
    fn the_first_stays_and_a_conflict_is_new_once() {
        let mut table = ReleaseTable::new(10);
        assert_eq!(table.offer(release(1, 1, 1), true), Offered::Learned);
        assert_eq!(table.offer(release(1, 1, 1), false), Offered::Nothing);
        for expected in [true, false] {
            let Offered::Refused { conflict, first_time } = table.offer(release(1, 2, 2), false)
            else {
                panic!("another content under one name");
            };
            assert_eq!((conflict.first, conflict.second), (PeerId([1; 32]), PeerId([2; 32])));
            assert_eq!(first_time, expected);
        }
        assert_eq!(table.find(&release(1, 0, 0).release), Some(&release(1, 1, 1)));
    }

    #[test]
    fn over_the_bound_the_oldest_goes_and_an_own_one_last() {
        let mut table = ReleaseTable::new(3);
        table.offer(release(1, 1, 1), true);
        for version in 2..=5 {
            table.offer(release(version, 1, 1), false);
        }
        let versions: Vec<_> = table.iter().map(|r| r.release.version.as_str()).collect();
        assert_eq!(versions, ["1", "4", "5"]);
        for version in 6..=9 {
            table.offer(release(version, 1, 1), true);
        }
        let versions: Vec<_> = table.iter().map(|r| r.release.version.as_str()).collect();
        assert_eq!(versions, ["7", "8", "9"], "a publisher of many years");
    }

    #[test]
    fn a_name_that_cannot_be_one_is_not_taken() {
        let mut table = ReleaseTable::new(3);
        let mut bad = release(1, 1, 1);
        bad.release.name = "a\u{1b}[2J".into();
        assert_eq!(table.offer(bad, false), Offered::Nothing);
    }
}
