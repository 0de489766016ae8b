//! The releases that a node knows: every one of the fleet reaches it, for as long as it runs.

use std::collections::BTreeMap;

use samara_model::{ContentId, Release, ReleaseConflict, ReleaseName, conflict_between};

/// As many as gossip and trackers keep.
const MOST: usize = 4_096;

/// The first of a name and version stays. Over the bound those go first that were learned first, but none of a
/// content that is here.
#[derive(Default)]
pub struct Releases {
    known: BTreeMap<ReleaseName, Known>,
    learned: u64,
}

struct Known {
    release: Release,
    order: u64,
}

impl Releases {
    /// Remembers a release. `is_here` tells of a content whether this node has something of it.
    ///
    /// # Errors
    /// When the version is known with another content.
    pub fn add(
        &mut self,
        release: &Release,
        is_here: impl Fn(&ContentId) -> bool,
    ) -> Result<(), ReleaseConflict> {
        if let Some(known) = self.known.get(&release.release) {
            return conflict_between(&known.release, release).map_or(Ok(()), Err);
        }
        if self.known.len() >= MOST {
            self.forget_oldest(is_here);
        }
        self.learned += 1;
        let known = Known { release: release.clone(), order: self.learned };
        self.known.insert(release.release.clone(), known);
        Ok(())
    }

    fn forget_oldest(&mut self, is_here: impl Fn(&ContentId) -> bool) {
        let mut oldest: Vec<&Known> = self.known.values().collect();
        oldest.sort_unstable_by_key(|known| known.order);
        let gone = oldest.into_iter().find(|known| !is_here(&known.release.content));
        if let Some(name) = gone.map(|known| known.release.release.clone()) {
            self.known.remove(&name);
        }
    }

    /// What a name means.
    pub fn get(&self, name: &ReleaseName) -> Option<&Release> {
        self.known.get(name).map(|known| &known.release)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Release> {
        self.known.values().map(|known| &known.release)
    }
}

#[cfg(test)]
mod tests {
    use samara_model::PeerId;

    use super::*;

    fn release(number: usize) -> Release {
        let mut content = [0; 32];
        content[..8].copy_from_slice(&(number as u64).to_le_bytes());
        Release {
            release: ReleaseName::new("nightly", &number.to_string()).expect("a plain name"),
            content: ContentId(content),
            publisher: PeerId([1; 32]),
            published_at: 0,
            signature: None,
        }
    }

    #[test]
    fn a_fleet_that_publishes_for_years_takes_no_more_room() {
        let mut releases = Releases::default();
        let here = release(0).content;
        for number in 0..MOST + 100 {
            releases.add(&release(number), |content| *content == here).expect("no conflict");
        }
        assert_eq!(releases.iter().count(), MOST);
        let known = |number| releases.get(&release(number).release).is_some();
        assert!(known(0), "its content is here");
        assert!(!known(1) && !known(100) && known(101) && known(MOST + 99));
    }

    #[test]
    fn the_first_of_a_name_stays() {
        let mut releases = Releases::default();
        releases.add(&release(1), |_| false).expect("new");
        releases.add(&release(1), |_| false).expect("the same again");
        let other = Release { content: ContentId([9; 32]), ..release(1) };
        let conflict = releases.add(&other, |_| false).expect_err("another content");
        assert_eq!(conflict.kept, release(1).content);
        assert_eq!(releases.get(&other.release), Some(&release(1)));
    }
}
