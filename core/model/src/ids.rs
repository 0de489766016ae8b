//! Identities: 32-byte BLAKE3 digests that print as hex.

use alloc::string::String;
use core::cmp::Ordering;
use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};

/// A string that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: expected 64 hexadecimal digits")]
pub struct ParseIdError {
    /// What was given, cut to 80 characters.
    pub text: String,
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(#[serde(with = "serde_bytes")] pub [u8; 32]);

        /// By the bytes. The first eight decide nearly always: sorting calls no `memcmp`.
        impl Ord for $name {
            #[inline]
            fn cmp(&self, other: &Self) -> Ordering {
                first_eight(&self.0).cmp(&first_eight(&other.0)).then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            #[inline]
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The first eight hex digits, for people; never used to look anything up.
            pub fn short(&self) -> ShortId {
                ShortId([self.0[0], self.0[1], self.0[2], self.0[3]])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text)
                    .map($name)
                    .ok_or_else(|| ParseIdError { text: text.chars().take(80).collect() })
            }
        }
    };
}

id_type! {
    /// A node: BLAKE3 of the ed25519 public key made at its first start.
    PeerId
}

id_type! {
    /// A content: BLAKE3 of the bytes of its manifest.
    ContentId
}

/// Eight hex digits of an id, for people.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortId([u8; 4]);

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn first_eight(id: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *id;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = (high * 16 + low) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_survives_printing_and_parsing() {
        let id = ContentId([0xa5; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn ids_are_ordered_by_their_bytes() {
        for at in 0..32 {
            for (one, other) in [(0, 1), (0x7f, 0x80), (0xff, 0xff)] {
                let (mut a, mut b) = ([0x55; 32], [0x55; 32]);
                (a[at], b[at]) = (one, other);
                // What comes later does not count.
                a[at + 1..].fill(0xff);
                assert_eq!(PeerId(a).cmp(&PeerId(b)), a.cmp(&b), "byte {at}");
            }
        }
    }

    #[test]
    fn a_wrong_id_is_refused_with_its_text() {
        for text in ["", "abc", &"g".repeat(64), &"0".repeat(65), &"é".repeat(32)] {
            assert!(text.parse::<PeerId>().is_err(), "{text}");
        }
    }
}
