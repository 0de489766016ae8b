//! Randomness and hashing, both from the one random seed that a machine is given.

use core::{hash::Hash, time::Duration};
use foldhash::fast::FixedState;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

/// The generator. Not secret, and the same on every platform, so that a run can be repeated.
pub(crate) type Random = Xoshiro256PlusPlus;

/// A map whose order and collisions cannot be foreseen without the random seed: peers choose their ids.
pub(crate) type Map<K, V> = hashbrown::HashMap<K, V, FixedState>;

/// A generator of its own for each `purpose`.
pub(crate) fn random_for(random_seed: u64, purpose: u64) -> Random {
    Random::seed_from_u64(random_seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// An empty map keyed by the random seed.
pub(crate) fn keyed_map<K: Eq + Hash, V>(random_seed: u64) -> Map<K, V> {
    Map::with_hasher(FixedState::with_seed(random_seed))
}

/// `span`, give or take a quarter, so that nodes started together do not stay in step.
pub(crate) fn jittered(random: &mut Random, span: Duration) -> Duration {
    span * random.random_range(750..=1250) / 1000
}

/// Moves `wanted` random items to the front, in random order.
pub(crate) fn shuffle_front<T>(random: &mut Random, items: &mut [T], wanted: usize) {
    for at in 0..wanted.min(items.len()) {
        let other = random.random_range(at..items.len());
        items.swap(at, other);
    }
}
