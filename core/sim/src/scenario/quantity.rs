//! How quantities are written in a scenario: `"5 GB"`, `"40 Gbit/s"`, `"0.1 chunk-times"`, `"5 %"`, `"2 copies"`.

use std::fmt;
use std::time::Duration;

use samara_model::{ByteCount, BytesPerSecond};
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// A span of time: fixed, or in times that a chunk takes over a free link.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Span {
    /// This many nanoseconds.
    Nanos(u64),
    /// This many chunk times.
    ChunkTimes(f64),
}

impl Span {
    /// In nanoseconds, when a chunk takes `chunk_ns`.
    pub fn nanos(self, chunk_ns: u64) -> u64 {
        match self {
            Span::Nanos(nanos) => nanos,
            Span::ChunkTimes(times) => (times * chunk_ns as f64) as u64,
        }
    }
}

/// Some of the nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Who {
    /// This part of the peers, at least one.
    Share(f64),
    /// This many peers.
    Count(u32),
    /// The node that had the content from the start.
    Origin,
    /// The first tracker.
    Tracker,
}

/// A moment of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// This long after the start.
    After(Span),
    /// When this part of all chunks has arrived.
    Progress(f64),
    /// When the origin has sent this many copies.
    Copies(f64),
}

/// A part of a whole, 0 to 1, written in per cent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

/// A size, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size(pub ByteCount);

/// A rate, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(pub BytesPerSecond);

/// What an expected figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// How it is compared.
    pub order: Order,
    /// With what.
    pub value: f64,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

impl Bound {
    /// Whether a figure is as expected.
    pub fn holds(self, figure: f64) -> bool {
        match self.order {
            Order::AtMost => figure <= self.value,
            Order::AtLeast => figure >= self.value,
            Order::Equal => figure == self.value,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.order {
            Order::AtMost => "<=",
            Order::AtLeast => ">=",
            Order::Equal => "==",
        };
        write!(f, "{sign} {}", self.value)
    }
}

fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

fn span(text: &str) -> Option<Span> {
    /// Ten years in nanoseconds: sums of a few stay in range.
    const LONGEST: f64 = 3.2e17;
    let (number, unit) = number_and_unit(text)?;
    let nanos = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "min" => 6e10,
        "h" => 3.6e12,
        "chunk-time" | "chunk-times" if number <= 1e6 => return Some(Span::ChunkTimes(number)),
        _ => return None,
    };
    (number * nanos <= LONGEST).then_some(Span::Nanos((number * nanos) as u64))
}

fn share(text: &str) -> Option<f64> {
    match number_and_unit(text)? {
        (percent, "%") if percent <= 100.0 => Some(percent / 100.0),
        _ => None,
    }
}

fn who(text: &str) -> Option<Who> {
    match text.trim() {
        "origin" => return Some(Who::Origin),
        "tracker" => return Some(Who::Tracker),
        "everybody" => return Some(Who::Share(1.0)),
        _ => {}
    }
    if let Some(share) = share(text) {
        return Some(Who::Share(share));
    }
    text.trim().parse().ok().map(Who::Count)
}

fn when(text: &str) -> Option<When> {
    if let Some(share) = share(text) {
        return Some(When::Progress(share));
    }
    match number_and_unit(text)? {
        (copies, "copy" | "copies") if copies <= 1e6 => Some(When::Copies(copies)),
        _ => span(text).map(When::After),
    }
}

fn bound(text: &str) -> Option<Bound> {
    let text = text.trim();
    let orders = [("<=", Order::AtMost), (">=", Order::AtLeast), ("==", Order::Equal)];
    let (rest, order) =
        orders.into_iter().find_map(|(sign, order)| Some((text.strip_prefix(sign)?, order)))?;
    let value: f64 = rest.trim().parse().ok()?;
    value.is_finite().then_some(Bound { order, value })
}

/// Reads a string by one of the functions above; anything else is an error that shows how to write it.
struct Text<T> {
    read: fn(&str) -> Option<T>,
    expected: &'static str,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::custom(format!("`{text}` is not {}", self.expected)))
    }
}

macro_rules! written {
    ($name:ty, $read:expr, $expected:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(Text { read: $read, expected: $expected })
            }
        }
    };
}

written!(Span, span, "a time like \"50 us\", \"0.3 s\" or \"0.1 chunk-times\"");
written!(
    Who,
    who,
    "a choice of nodes like \"2 %\", \"3\", \"origin\", \"tracker\" or \"everybody\""
);
written!(
    When,
    when,
    "a moment like \"0.3 s\", \"50 %\" of all chunks, or \"1 copy\" from the origin"
);
written!(Share, |text| share(text).map(Share), "a part like \"10 %\"");
written!(Size, |text| text.parse().ok().map(Size), "a size like \"5 GB\" or \"16 MiB\"");
written!(Rate, |text| text.parse().ok().map(Rate), "a rate like \"40 Gbit/s\" or \"2 GB/s\"");
written!(Bound, bound, "a bound like \"<= 1.10\", \">= 3\" or \"== 1000\"");

/// Nanoseconds that `bytes` take at `rate`.
pub fn nanos_for(bytes: f64, rate: BytesPerSecond) -> u64 {
    (bytes * 1e9 / rate.0.max(1) as f64) as u64
}

/// A duration from nanoseconds.
pub fn duration(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quantities_are_read_as_people_write_them() {
        assert_eq!(span("50 us"), Some(Span::Nanos(50_000)));
        assert_eq!(span("0.1 chunk-times"), Some(Span::ChunkTimes(0.1)));
        assert_eq!(span("50"), None);
        assert_eq!(who("2 %"), Some(Who::Share(0.02)));
        assert_eq!(who("3"), Some(Who::Count(3)));
        assert_eq!(who("-3"), None);
        assert_eq!(when("1 copy"), Some(When::Copies(1.0)));
        assert_eq!(when("30%"), Some(When::Progress(0.3)));
        assert_eq!(when("101 %"), None);
        assert_eq!(bound("<=1.1"), Some(Bound { order: Order::AtMost, value: 1.1 }));
        assert_eq!(bound("1.1"), None);
        assert_eq!(bound("<= nan"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}", number: f64, unit in "[a-z%µ -]{0,12}") {
            for text in [text, format!("{number} {unit}")] {
                let _ = (span(&text), share(&text), who(&text), when(&text), bound(&text));
            }
        }
    }
}
