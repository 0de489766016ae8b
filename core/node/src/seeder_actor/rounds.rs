//! Which contents are looked at next: each in its turn, and only so many files in a second, so that looking after
//! hundreds of contents that nobody touches costs next to nothing.

use std::sync::Arc;

use samara_model::ContentId;

use crate::api::FetchPhase;
use crate::content_state::ContentState;

/// Files that are looked at in a second, on average: about a microsecond each. Up to a hundred files are looked at
/// every second, a thousand every ten.
const FILES: i64 = 100;

/// Where the rounds are.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    last: Option<ContentId>,
    /// Files that may be looked at now; below zero after a content of many.
    budget: i64,
}

impl Rounds {
    /// What is looked at now; to be asked once a second.
    pub fn next(&mut self, open: Vec<Arc<ContentState>>) -> Vec<Arc<ContentState>> {
        let mut all: Vec<Arc<ContentState>> =
            open.into_iter().filter(|one| in_place(one)).collect();
        all.sort_unstable_by_key(|state| state.content);
        let sizes: Vec<(ContentId, usize)> =
            all.iter().map(|state| (state.content, files(state))).collect();
        let chosen = self.choose(&sizes);
        all.retain(|state| chosen.contains(&state.content));
        all
    }

    /// In the order of ids, from the one after the last.
    fn choose(&mut self, all: &[(ContentId, usize)]) -> Vec<ContentId> {
        self.budget = (self.budget + FILES).min(FILES);
        let start = all.partition_point(|(content, _)| Some(*content) <= self.last);
        let mut chosen = Vec::new();
        for (content, files) in all[start..].iter().chain(&all[..start]) {
            if self.budget <= 0 {
                break;
            }
            self.budget -= i64::try_from(*files).unwrap_or(i64::MAX).max(1);
            self.last = Some(*content);
            chosen.push(*content);
        }
        chosen
    }
}

fn in_place(state: &ContentState) -> bool {
    let complete = state.origin || state.phase() == FetchPhase::Complete;
    complete && !state.is_withdrawn()
}

fn files(state: &ContentState) -> usize {
    state.stored().map_or(1, |stored| stored.manifest().files.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(sizes: &[usize]) -> Vec<(ContentId, usize)> {
        let with_ids = sizes.iter().enumerate();
        with_ids.map(|(at, files)| (ContentId([at as u8; 32]), *files)).collect()
    }

    #[test]
    fn a_few_files_are_looked_at_every_second() {
        let mut rounds = Rounds::default();
        for _ in 0..5 {
            assert_eq!(rounds.choose(&contents(&[1, 2, 3])).len(), 3);
        }
    }

    #[test]
    fn each_of_many_has_its_turn_and_no_second_has_more_than_its_share() {
        let (mut rounds, all) = (Rounds::default(), contents(&[1; 250]));
        let seconds: Vec<Vec<ContentId>> = (0..5).map(|_| rounds.choose(&all)).collect();
        assert!(seconds.iter().all(|chosen| chosen.len() == 100));
        let mut looked: Vec<ContentId> = seconds.concat();
        looked.sort_unstable();
        assert!(looked.chunks(2).all(|two| two[0] == two[1]), "each twice in five seconds");
    }

    #[test]
    fn a_content_of_very_many_files_is_looked_at_rarely_and_the_others_wait_no_longer_than_that() {
        let (mut rounds, all) = (Rounds::default(), contents(&[1000, 1]));
        let turns: Vec<usize> = (0..22).map(|_| rounds.choose(&all).len()).collect();
        assert_eq!(turns.iter().sum::<usize>(), 5, "{turns:?}");
        assert_eq!(turns[0], 1, "{turns:?}");
    }
}
