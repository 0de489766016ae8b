//! What goes when the data directory holds too much: contents in it that are complete and not pinned, the oldest
//! first. What lies elsewhere is never counted and never touched.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use samara_model::{ByteCount, ContentId};

use super::entry::{Entry, Wish};
use super::find::Found;
use crate::api::{Notice, StorageConfig};
use crate::shared::Shared;

/// A content in the data directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Its entry.
    pub number: u64,
    /// The names that it has, and when each was published.
    pub names: Vec<(String, u64)>,
    /// When it was complete.
    pub finished_at: u64,
    /// What it takes, or will take.
    pub size: u64,
    /// It is complete, and not pinned.
    pub may_go: bool,
}

/// Why a content goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eviction {
    /// All its names have as many newer releases as `storage.keep` says.
    Keep,
    /// The data directory held more than `storage.quota`.
    Quota,
    /// The disk had less than `storage.min_free`.
    MinFree,
}

impl Eviction {
    /// For people.
    fn words(self) -> &'static str {
        match self {
            Eviction::Keep => "newer releases of its name",
            Eviction::Quota => "the quota",
            Eviction::MinFree => "space on the disk",
        }
    }
}

/// What has to go, and what is too much all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Entries, in this order, and why each.
    pub gone: Vec<(u64, Eviction)>,
    /// Bytes over the quota that nothing can be done about.
    pub over_quota: u64,
    /// Bytes that are missing on the disk, although all of these go.
    pub short: u64,
}

/// Which contents go, and why.
pub fn choose(all: &[Kept], limits: &StorageConfig, free: Option<ByteCount>) -> Choice {
    let mut gone: Vec<(u64, Eviction)> = Vec::new();
    if let Some(keep) = limits.keep {
        let old = beyond(all, keep as usize);
        gone.extend(old.into_iter().map(|number| (number, Eviction::Keep)));
    }
    let mut oldest: Vec<&Kept> = all.iter().filter(|one| one.may_go).collect();
    oldest.sort_by_key(|one| (one.finished_at, one.number));
    let is_gone =
        |gone: &[(u64, Eviction)], one: &Kept| gone.iter().any(|(number, _)| *number == one.number);
    let left = |gone: &[(u64, Eviction)]| -> u64 {
        all.iter().filter(|one| !is_gone(gone, one)).map(|one| one.size).sum()
    };
    let whole: u64 = all.iter().map(|one| one.size).sum();
    let over = |gone: &[(u64, Eviction)]| {
        let quota = limits.quota.map_or(u64::MAX, |quota| quota.0);
        let over_quota = left(gone).saturating_sub(quota);
        let freed = whole - left(gone);
        let short = free.map_or(0, |free| limits.min_free.0.saturating_sub(free.0 + freed));
        (over_quota, short)
    };
    for one in oldest {
        if is_gone(&gone, one) {
            continue;
        }
        match over(&gone) {
            (0, 0) => break,
            (0, _) => gone.push((one.number, Eviction::MinFree)),
            _ => gone.push((one.number, Eviction::Quota)),
        }
    }
    let (over_quota, short) = over(&gone);
    Choice { gone, over_quota, short }
}

/// Contents all of whose names have so many newer releases.
fn beyond(all: &[Kept], keep: usize) -> Vec<u64> {
    let mut by_name: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for one in all {
        for (name, published) in &one.names {
            by_name.entry(name).or_default().push((*published, one.number));
        }
    }
    for releases in by_name.values_mut() {
        releases.sort_unstable_by(|one, other| other.cmp(one));
        releases.truncate(keep);
    }
    let is_new = |one: &Kept| {
        one.names.iter().any(|(name, _)| {
            by_name
                .get(name.as_str())
                .is_some_and(|new| new.iter().any(|(_, number)| *number == one.number))
        })
    };
    let old = all.iter().filter(|one| one.may_go && !one.names.is_empty() && !is_new(one));
    old.map(|one| one.number).collect()
}

impl Shared {
    /// Removes what has to go. Blocks.
    pub fn enforce_storage(&self) {
        let limits = *self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        self.evict(choose(&self.kept(), &limits, self.store.free_space()).gone);
    }

    /// Makes room in the data directory for a content of `size` that is about to come, `needed` of which are still
    /// to be written. Blocks. Where the disk is too small for it even so, nothing goes for that: it waits for room.
    ///
    /// # Errors
    /// When it does not fit into the quota, and nothing more may go for it; nothing was removed then.
    pub fn make_room(
        &self,
        content: ContentId,
        size: ByteCount,
        needed: ByteCount,
    ) -> Result<(), String> {
        let limits = *self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.kept();
        let number = self.catalogue.lock().by_content(&content);
        match kept.iter_mut().find(|one| Some(one.number) == number) {
            Some(one) => one.size = size.0,
            None => kept.push(Kept { number: u64::MAX, size: size.0, ..Kept::default() }),
        }
        let free = self.store.free_space();
        let after = free.map(|free| ByteCount(free.0.saturating_sub(needed.0)));
        let mut choice = choose(&kept, &limits, after);
        if choice.short > 0 {
            choice = choose(&kept, &limits, free);
        }
        let Choice { gone, over_quota: over, .. } = choice;
        if over > 0 {
            return Err(format!(
                "it does not fit into the quota: {} are missing, and everything else in the data directory is \
                 pinned or being fetched. Unpin or remove something, raise `storage.quota`, or fetch it to another \
                 place with -o",
                ByteCount(over)
            ));
        }
        self.evict(gone);
        Ok(())
    }

    fn evict(&self, gone: Vec<(u64, Eviction)>) {
        for (number, why) in gone {
            let entry = self.catalogue.lock().entries.get(&number).cloned();
            let Some(entry) = entry.filter(|entry| !entry.pinned && entry.wish == Wish::Hold)
            else {
                continue;
            };
            tracing::info!(content = entry.name(), why = why.words(), "evicted");
            let content = entry.content;
            let found = Found { entry: Some((number, entry)), content };
            match self.remove_content(&found) {
                Ok(_) => self.metrics.evicted(why),
                Err(error) => self.notify(Notice::Warning(error.to_string())),
            }
        }
    }

    /// Everything that counts.
    fn kept(&self) -> Vec<Kept> {
        let inner = self.catalogue.lock();
        let managed = inner.entries.iter().filter(|(_, entry)| entry.managed);
        let managed: Vec<(u64, Entry)> =
            managed.map(|(number, entry)| (*number, entry.clone())).collect();
        drop(inner);
        let kept = managed.into_iter().filter_map(|(number, entry)| {
            let state = entry.content.and_then(|id| self.content(&id));
            let size = state.and_then(|state| state.stored()).map_or(0, |stored| stored.total().0);
            let published = |name: &samara_model::ReleaseName| {
                let record = entry.records.iter().find(|record| record.release == *name);
                record.map_or(entry.added_at, |record| record.published_at)
            };
            let counts = matches!(entry.wish, Wish::Hold | Wish::Fetch);
            counts.then(|| Kept {
                number,
                names: entry
                    .releases
                    .iter()
                    .map(|name| (name.name.clone(), published(name)))
                    .collect(),
                finished_at: entry.finished_at.unwrap_or(entry.added_at),
                size,
                may_go: entry.wish == Wish::Hold && !entry.pinned,
            })
        });
        kept.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(number: u64, name: &str, size: u64, may_go: bool) -> Kept {
        let names = vec![(name.to_owned(), number)];
        Kept { number, names, finished_at: number, size, may_go }
    }

    fn quota(bytes: u64) -> StorageConfig {
        StorageConfig { quota: Some(ByteCount(bytes)), ..StorageConfig::default() }
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits_and_pinned_ones_stay() {
        let all = [
            kept(1, "a", 10, false),
            kept(2, "a", 10, true),
            kept(3, "b", 10, true),
            kept(4, "c", 10, true),
        ];
        assert_eq!(choose(&all, &quota(40), None), Choice::default());
        assert_eq!(
            choose(&all, &quota(25), None).gone,
            [(2, Eviction::Quota), (3, Eviction::Quota)]
        );
        let gone = vec![(2, Eviction::Quota), (3, Eviction::Quota), (4, Eviction::Quota)];
        assert_eq!(choose(&all, &quota(5), None), Choice { gone, over_quota: 5, short: 0 });
    }

    #[test]
    fn of_each_name_the_newest_stay() {
        let limits = StorageConfig { keep: Some(1), ..StorageConfig::default() };
        let mut all = vec![
            kept(1, "a", 1, true),
            kept(2, "a", 1, true),
            kept(3, "b", 1, true),
            kept(4, "a", 1, true),
        ];
        let old = Eviction::Keep;
        assert_eq!(choose(&all, &limits, None).gone, [(1, old), (2, old)]);
        // A second name that is new keeps it, and one without a name is nobody's old release.
        all[0].names.push(("stable".into(), 9));
        all.push(Kept { number: 5, may_go: true, ..Kept::default() });
        assert_eq!(choose(&all, &limits, None).gone, [(2, old)]);
    }

    #[test]
    fn a_disk_that_fills_up_takes_the_oldest() {
        let limits = StorageConfig { min_free: ByteCount(100), ..StorageConfig::default() };
        let all = [kept(1, "a", 30, true), kept(2, "a", 30, true), kept(3, "b", 30, true)];
        assert_eq!(choose(&all, &limits, Some(ByteCount(100))), Choice::default());
        let space = Eviction::MinFree;
        assert_eq!(choose(&all, &limits, Some(ByteCount(60))).gone, [(1, space), (2, space)]);
        assert_eq!(choose(&all, &limits, Some(ByteCount(0))).short, 10);
    }

    proptest! {
        #[test]
        fn what_may_not_go_stays_and_no_more_goes_than_must(
            sizes in prop::collection::vec((0u64..100, any::<bool>(), 0u8..3), 0..12),
            bytes in 0u64..600,
        ) {
            let all: Vec<Kept> = sizes.iter().enumerate()
                .map(|(at, (size, may_go, name))| kept(at as u64, &name.to_string(), *size, *may_go))
                .collect();
            let Choice { gone, over_quota: over, .. } = choose(&all, &quota(bytes), None);
            let size_of = |number: u64| all[number as usize].size;
            prop_assert!(gone.iter().all(|(number, _)| all[*number as usize].may_go));
            let whole: u64 = all.iter().map(|one| one.size).sum();
            let freed: u64 = gone.iter().map(|(number, _)| size_of(*number)).sum();
            prop_assert_eq!(over, (whole - freed).saturating_sub(bytes));
            if let Some((last, _)) = gone.last() {
                prop_assert!(whole - freed + size_of(*last) > bytes, "the last need not have gone");
            }
        }
    }
}
