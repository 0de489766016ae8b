//! Where peers stand, seen from here.

use alloc::string::String;

use samara_model::{HOST, Place, RACK, ZONE};
use samara_policy::relation;

/// One of [`relation`]. Racks are told apart by zone and rack: two zones may both have a rack `r1`.
pub(crate) fn relation_between(here: &Place, there: &Place) -> u32 {
    let same = |a: u64, b: u64| a != 0 && a == b;
    let differ = |a: u64, b: u64| a != 0 && b != 0 && a != b;
    if same(here.host, there.host) {
        relation::HOST
    } else if differ(here.zone, there.zone) {
        relation::REMOTE
    } else if same(here.rack, there.rack) {
        relation::RACK
    } else if same(here.zone, there.zone) {
        relation::ZONE
    } else if differ(here.rack, there.rack) {
        relation::REMOTE
    } else {
        relation::UNKNOWN
    }
}

/// The numbers of these labels, as far as a place knows them; 0 for others.
pub(crate) fn label_numbers(place: Place, labels: &[String]) -> impl Iterator<Item = u64> {
    labels.iter().map(move |key| match &**key {
        ZONE => place.zone,
        RACK => place.rack,
        HOST => place.host,
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_label_that_both_have_decides() {
        let place = |zone, rack, host| Place { zone, rack, host };
        let check = |here: Place, there: Place, wanted: u32| {
            assert_eq!(relation_between(&here, &there), wanted, "{here:?} {there:?}");
            assert_eq!(relation_between(&there, &here), wanted, "{there:?} {here:?}");
        };
        check(place(1, 2, 3), place(1, 2, 3), relation::HOST);
        check(place(1, 2, 3), place(1, 2, 4), relation::RACK);
        check(place(1, 2, 3), place(1, 5, 4), relation::ZONE);
        check(place(1, 2, 3), place(9, 2, 4), relation::REMOTE);
        check(place(0, 2, 0), place(0, 2, 0), relation::RACK);
        check(place(0, 2, 0), place(0, 5, 0), relation::REMOTE);
        check(place(1, 2, 0), place(1, 0, 0), relation::ZONE);
        check(place(1, 2, 3), place(0, 0, 0), relation::UNKNOWN);
        check(place(0, 0, 0), place(0, 0, 0), relation::UNKNOWN);
    }
}
