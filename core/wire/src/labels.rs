//! The numbers that stand for labels.

use samara_model::{LabelNumbers, Labels};

/// Stands for the value of a label: the first 8 bytes of its BLAKE3, little-endian, and never 0.
pub fn label_number(value: &str) -> u64 {
    let digest = blake3::hash(value.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest.as_bytes()[..8]);
    u64::from_le_bytes(first).max(1)
}

/// The labels of a node, with the number of each value.
pub fn number_labels(labels: &Labels) -> LabelNumbers {
    LabelNumbers::new(labels, label_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_on_every_machine_and_in_every_version() {
        // Policies may have such numbers among their parameters: they must never change.
        assert_eq!(label_number("r1"), 16_421_388_918_325_864_025);
        assert_ne!(label_number("r1"), label_number("r2"));
    }
}
