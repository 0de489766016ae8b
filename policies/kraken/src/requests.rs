//! Filling pipelines, one connection after the other.

use alloc::vec::Vec;

use samara_policy::{
    Random, Request, RequestsAnswer, RequestsView,
    pick::{Rarest, at},
};

use crate::reason;

/// For each source in a random order as many of the rarest chunks that it has as its pipeline has room for.
/// A source takes one slot, however much is asked of it.
pub fn choose(view: &RequestsView, pipeline: u32, origin_pipeline: u32) -> RequestsAnswer {
    let mut random = Random::new(view.me.random_seed);
    let mut order: Vec<u32> = (0..view.peers.len()).collect();
    random.shuffle(&mut order);
    let mut rarest = Rarest::new(&view.chunks);
    let positions = view.chunks.index.len() as u32;
    let mut slots = view.me.free_slots;
    let mut asked = Vec::new();
    let mut requests = Vec::new();
    for peer in order {
        let limit = if at(&view.peers.origin, peer) { origin_pipeline } else { pipeline };
        // The engine has a limit, too, and drops what is above it.
        let room = limit.min(view.me.per_peer).saturating_sub(at(&view.peers.incoming, peer));
        if slots == 0 {
            break;
        }
        if room == 0 {
            continue;
        }
        let lacks: Vec<u64> = view.available.row(peer).iter().map(|word| !word).collect();
        let free = |position| position < positions && !asked.contains(&position);
        let chunks = rarest.choose(&lacks, room as usize, &mut random, free);
        slots -= u32::from(!chunks.is_empty());
        asked.extend(&chunks);
        let request = |chunk| Request { peer, chunk: Some(chunk), reason: reason::PIPELINE };
        requests.extend(chunks.into_iter().map(request));
    }
    RequestsAnswer { requests }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use samara_policy_testing::small;

    use super::*;

    fn asked(view: &RequestsView) -> Vec<(u32, u32)> {
        let mut view = view.clone();
        view.me.per_peer = 8;
        let answer = choose(&view, 3, 5);
        let mut asked: Vec<_> =
            answer.requests.iter().map(|one| (one.peer, one.chunk.unwrap_or(u32::MAX))).collect();
        asked.sort_unstable();
        asked
    }

    #[test]
    fn a_pipeline_is_filled_with_the_rarest() {
        let view = small::requests(&[5, 1, 4, 2, 3, 9], &[&[0, 1, 2, 3, 4, 5]]);
        assert_eq!(asked(&view), [(0, 1), (0, 3), (0, 4)]);
    }

    #[test]
    fn what_is_under_way_takes_room_and_the_origin_has_more_of_it() {
        let mut view = small::requests(&[1; 40], &[&ALL, &ALL, &ALL]);
        view.me.free_slots = 9;
        view.peers.incoming = vec![2, 3, 1];
        view.peers.origin = vec![false, false, true];
        let asked = asked(&view);
        let of = |peer| asked.iter().filter(|one| one.0 == peer).count();
        assert_eq!((of(0), of(1), of(2)), (1, 0, 4));
    }

    #[test]
    fn no_more_is_asked_of_a_source_than_the_engine_takes() {
        let mut view = small::requests(&[1; 40], &[&ALL]);
        view.me.per_peer = 2;
        assert_eq!(choose(&view, 3, 5).requests.len(), 2);
    }

    #[test]
    fn a_slot_is_a_source() {
        let mut view = small::requests(&[1; 40], &[&ALL, &ALL, &ALL]);
        view.me.free_slots = 2;
        assert_eq!(asked(&view).len(), 6);
    }

    const ALL: [u32; 40] = {
        let mut all = [0; 40];
        let mut at = 0;
        while at < 40 {
            all[at] = at as u32;
            at += 1;
        }
        all
    };
}
