//! Quantities with their units in the type, and the way people write them.

use alloc::string::{String, ToString};
use core::{fmt, str::FromStr, time::Duration};
use serde::{Deserialize, Serialize};

/// A quantity that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {quantity}: write a number and a unit, for example {example}")]
pub struct ParseUnitError {
    text: String,
    quantity: &'static str,
    example: &'static str,
}

/// A number of bytes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ByteCount(pub u64);

/// A data rate in bytes per second.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct BytesPerSecond(pub u64);

impl BytesPerSecond {
    /// How long `bytes` take at this rate; a very long time at rate zero.
    pub fn time_for(self, bytes: ByteCount) -> Duration {
        let micros = u128::from(bytes.0) * 1_000_000 / u128::from(self.0.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let mut unit = 0;
        while unit + 1 < UNITS.len() && self.0 >> (10 * (unit + 1)) != 0 {
            unit += 1;
        }
        let whole = 1u64 << (10 * unit);
        if self.0.is_multiple_of(whole) {
            write!(f, "{} {}", self.0 / whole, UNITS[unit])
        } else {
            write!(f, "{:.1} {}", self.0 as f64 / whole as f64, UNITS[unit])
        }
    }
}

impl fmt::Display for BytesPerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
        let mut value = self.0 as f64 * 8.0;
        let mut unit = 0;
        while unit + 1 < UNITS.len() && value >= 1000.0 {
            value /= 1000.0;
            unit += 1;
        }
        if ((value * 10.0) as u64).is_multiple_of(10) || value >= 100.0 {
            write!(f, "{value:.0} {}", UNITS[unit])
        } else {
            write!(f, "{value:.1} {}", UNITS[unit])
        }
    }
}

impl FromStr for ByteCount {
    type Err = ParseUnitError;

    /// `4096`, `64 MiB`, `1.5GB`: binary and decimal units, case does not matter.
    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        const UNITS: [(&str, f64); 14] = [
            ("", 1.0),
            ("b", 1.0),
            ("k", 1024.0),
            ("m", 1048576.0),
            ("g", 1073741824.0),
            ("t", 1099511627776.0),
            ("kib", 1024.0),
            ("mib", 1048576.0),
            ("gib", 1073741824.0),
            ("tib", 1099511627776.0),
            ("kb", 1e3),
            ("mb", 1e6),
            ("gb", 1e9),
            ("tb", 1e12),
        ];
        parse_quantity(text, &UNITS).map(ByteCount).ok_or_else(|| ParseUnitError {
            text: text.to_string(),
            quantity: "size",
            example: "`64 MiB` or `5 GB`",
        })
    }
}

impl FromStr for BytesPerSecond {
    type Err = ParseUnitError;

    /// `100 Mbit/s`, `1Gbit/s`, `12.5 MB/s`, `64 MiB/s`.
    fn from_str(text: &str) -> Result<Self, ParseUnitError> {
        const UNITS: [(&str, f64); 15] = [
            ("bit/s", 1.0 / 8.0),
            ("kbit/s", 1e3 / 8.0),
            ("mbit/s", 1e6 / 8.0),
            ("gbit/s", 1e9 / 8.0),
            ("kbit", 1e3 / 8.0),
            ("mbit", 1e6 / 8.0),
            ("gbit", 1e9 / 8.0),
            ("b/s", 1.0),
            ("kb/s", 1e3),
            ("mb/s", 1e6),
            ("gb/s", 1e9),
            ("kib/s", 1024.0),
            ("mib/s", 1048576.0),
            ("gib/s", 1073741824.0),
            ("tbit/s", 1e12 / 8.0),
        ];
        parse_quantity(text, &UNITS).map(BytesPerSecond).ok_or_else(|| ParseUnitError {
            text: text.to_string(),
            quantity: "rate",
            example: "`100 Mbit/s` or `12.5 MB/s`",
        })
    }
}

/// Longest span that is accepted: above ten years clock arithmetic could overflow.
const LONGEST_SECONDS: f64 = 10.0 * 365.0 * 86_400.0;

/// `500ms`, `30s`, `1.5 min`, `2h`, `1d`.
///
/// # Errors
/// When it is no number with one of these units, or longer than ten years.
pub fn parse_duration(text: &str) -> Result<Duration, ParseUnitError> {
    const UNITS: [(&str, f64); 6] =
        [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("min", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let seconds_per = UNITS.iter().find(|(name, _)| *name == unit.trim()).map(|(_, per)| *per);
    let seconds = seconds_per.and_then(|per| Some(number.parse::<f64>().ok()? * per));
    let fits = seconds.filter(|seconds| (0.0..=LONGEST_SECONDS).contains(seconds));
    fits.map(Duration::from_secs_f64).ok_or_else(|| ParseUnitError {
        text: text.to_string(),
        quantity: "duration of at most ten years",
        example: "`30s` or `5min`",
    })
}

fn parse_quantity(text: &str, units: &[(&str, f64)]) -> Option<u64> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    if unit.is_empty() {
        return number.parse().ok();
    }
    let value = number.parse::<f64>().ok()? * factor;
    (value.is_finite() && (0.0..1.8e19).contains(&value)).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_write_sizes_and_rates_in_many_ways() {
        let size = |text: &str| text.parse::<ByteCount>().map(|b| b.0).ok();
        assert_eq!(size("64 MiB"), Some(64 << 20));
        assert_eq!(size("64M"), Some(64 << 20));
        assert_eq!(size("1.5GB"), Some(1_500_000_000));
        assert_eq!(size("123"), Some(123));
        assert_eq!(size("12 parsecs"), None);
        assert_eq!(size("-1"), None);
        assert_eq!(size(""), None);
        let rate = |text: &str| text.parse::<BytesPerSecond>().map(|b| b.0).ok();
        assert_eq!(rate("100 Mbit/s"), Some(12_500_000));
        assert_eq!(rate("12.5 MB/s"), Some(12_500_000));
        assert_eq!(rate("100"), None);
    }

    #[test]
    fn durations_are_written_in_many_ways() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("1.5 min"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7200)));
        for wrong in ["", "30", "s", "-1s", "1 year", "9999999d", "1e9s", "..s"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn quantities_print_as_people_write_them() {
        assert_eq!(ByteCount(64 << 20).to_string(), "64 MiB");
        assert_eq!(ByteCount(1536).to_string(), "1.5 KiB");
        assert_eq!(BytesPerSecond(12_500_000).to_string(), "100 Mbit/s");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,40}") {
            let _ = text.parse::<ByteCount>();
            let _ = text.parse::<BytesPerSecond>();
            let _ = parse_duration(&text);
        }
    }
}
