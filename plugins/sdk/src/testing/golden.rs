//! Views that were recorded from real swarms; `golden/README.md` says how.

use alloc::vec::Vec;

use super::case::{Case, CaseError};

/// Name and text of each.
const TEXTS: &[(&str, &str)] = &[
    ("origin-alone-with-one-peer", include_str!("../../golden/origin-alone-with-one-peer.case")),
    ("origin-first-pass", include_str!("../../golden/origin-first-pass.case")),
    ("origin-first-pass-late", include_str!("../../golden/origin-first-pass-late.case")),
    ("origin-after-first-pass", include_str!("../../golden/origin-after-first-pass.case")),
    ("peer-early", include_str!("../../golden/peer-early.case")),
    ("peer-middle", include_str!("../../golden/peer-middle.case")),
    ("peer-late", include_str!("../../golden/peer-late.case")),
    ("peer-complete", include_str!("../../golden/peer-complete.case")),
    ("overdue-one", include_str!("../../golden/overdue-one.case")),
    ("overdue-two", include_str!("../../golden/overdue-two.case")),
    ("neighbours-two", include_str!("../../golden/neighbours-two.case")),
    ("neighbours-twelve", include_str!("../../golden/neighbours-twelve.case")),
    ("requests-middle", include_str!("../../golden/requests-middle.case")),
    ("requests-end", include_str!("../../golden/requests-end.case")),
];

/// A recorded question.
#[derive(Debug, Clone, PartialEq)]
pub struct Golden {
    /// What the moment is.
    pub name: &'static str,
    /// The question, with nothing expected.
    pub case: Case,
}

/// All of them.
///
/// # Errors
/// Never, as long as the test below passes; the error is that of a text that cannot be read.
pub fn golden() -> Result<Vec<Golden>, CaseError> {
    TEXTS.iter().map(|(name, text)| Ok(Golden { name, case: Case::parse(text)? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Hook;

    #[test]
    fn every_golden_view_can_be_read_and_every_hook_has_two() {
        let golden = golden().expect("the texts of this crate");
        for hook in Hook::ALL {
            let of_hook = golden.iter().filter(|one| Hook::of(&one.case.question) == hook);
            assert!(of_hook.count() >= 2, "{hook:?}");
        }
    }
}
