//! The rules that every policy keeps, on views drawn at random.

use proptest::prelude::*;
use samara_policy_balanced::Balanced;

proptest! {
    #[test]
    fn every_answer_keeps_the_rules(seed: u64) {
        samara_policy_testing::rules::check(&Balanced, seed);
    }
}
