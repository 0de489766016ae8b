//! Two connections between the same two nodes: which one stays. Both sides must decide alike.
//!
//! A handshake ends with the dialler's `Welcome`, so each side meets the question in one of two roles.
//! The dialler keeps a link that it already has: its new dial was needless. The acceptor knows from the
//! `Welcome` that the dialler found no older link alive, so its own old one is dead. The exception is two
//! nodes that dial each other at once: then the dial of the smaller id stays, on both sides.

use std::time::Duration;

use samara_model::PeerId;

/// An existing link that is older than this is no accident of dialling each other at once: a handshake
/// takes at most 5 s.
const SIMULTANEOUS: Duration = Duration::from_secs(10);

/// A live link to the same peer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Existing {
    /// The peer's process.
    pub instance: u64,
    /// This side dialled it.
    pub dialled: bool,
    /// Number of the dial, counted by its dialler.
    pub dial: u64,
    /// How long it has been there.
    pub age: Duration,
}

/// A connection whose handshake is about to end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The peer's process.
    pub instance: u64,
    /// This side dialled it.
    pub dialled: bool,
    /// Number of the dial, counted by its dialler.
    pub dial: u64,
}

/// Whether the new connection takes the place of the existing one.
pub(super) fn replaces(
    new: &Candidate,
    existing: &Existing,
    ours: &PeerId,
    theirs: &PeerId,
) -> bool {
    if new.instance != existing.instance {
        return true;
    }
    if new.dialled == existing.dialled {
        return !new.dialled && new.dial > existing.dial;
    }
    let simultaneous = existing.age < SIMULTANEOUS;
    let new_dialled_by_smaller = new.dialled == (ours < theirs);
    if simultaneous { new_dialled_by_smaller } else { !new.dialled }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: PeerId = PeerId([1; 32]);
    const LARGE: PeerId = PeerId([2; 32]);

    fn existing(dialled: bool, dial: u64, age_s: u64) -> Existing {
        Existing { instance: 7, dialled, dial, age: Duration::from_secs(age_s) }
    }

    fn new(dialled: bool, dial: u64) -> Candidate {
        Candidate { instance: 7, dialled, dial }
    }

    /// What one side holds after it has met both dials in the given order: by whom it was dialled.
    fn kept(ours: PeerId, theirs: PeerId, order: [bool; 2]) -> bool {
        let first = order[0];
        let replaced = replaces(&new(order[1], 1), &existing(first, 1, 1), &ours, &theirs);
        if replaced { order[1] } else { first }
    }

    #[test]
    fn both_sides_keep_the_dial_of_the_smaller_id_in_any_order() {
        for order in [[true, false], [false, true]] {
            assert!(kept(SMALL, LARGE, order), "the smaller keeps its own dial");
            assert!(!kept(LARGE, SMALL, order), "the larger keeps the other's dial");
        }
    }

    #[test]
    fn a_restarted_peer_replaces_its_dead_link() {
        let restarted = Candidate { instance: 8, dialled: false, dial: 1 };
        assert!(replaces(&restarted, &existing(true, 9, 1), &SMALL, &LARGE));
    }

    #[test]
    fn a_needless_second_dial_is_given_up_by_its_dialler() {
        assert!(!replaces(&new(true, 2), &existing(true, 1, 60), &LARGE, &SMALL));
        assert!(!replaces(&new(true, 2), &existing(false, 1, 60), &LARGE, &SMALL));
    }

    #[test]
    fn a_dialler_that_lost_its_link_gets_a_new_one() {
        assert!(replaces(&new(false, 2), &existing(false, 1, 60), &SMALL, &LARGE));
        assert!(replaces(&new(false, 2), &existing(true, 1, 60), &SMALL, &LARGE));
        assert!(!replaces(&new(false, 1), &existing(false, 2, 60), &SMALL, &LARGE), "a late one");
    }
}
