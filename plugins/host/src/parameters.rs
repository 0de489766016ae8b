//! From what an operator writes to the numbers that a policy sees.

use samara_model::ByteCount;
use samara_policy::{Description, Parameter, ParameterKind};

/// Why a setting is not taken. The policy's values stay as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// The policy has no such parameter.
    #[error("the policy `{policy}` has no parameter `{name}`; {}", list(.known))]
    Unknown {
        /// The policy.
        policy: String,
        /// What was written.
        name: String,
        /// What it has.
        known: Vec<String>,
    },
    /// The value is not of the parameter's kind.
    #[error("`{name}` cannot be `{value}`: it is {}", how(*.kind))]
    Value {
        /// The parameter.
        name: String,
        /// What was written.
        value: String,
        /// Its kind, which says how it is written.
        kind: ParameterKind,
    },
    /// The value is too small or too large.
    #[error("`{name}` cannot be `{value}`: it takes {min} to {max}")]
    Range {
        /// The parameter.
        name: String,
        /// What was written.
        value: String,
        /// Lowest value, as it is written.
        min: String,
        /// Highest value, as it is written.
        max: String,
    },
    /// The same parameter twice.
    #[error("`{0}` is set twice; set it once")]
    Twice(String),
}

/// How a value of this kind is written, with an example.
fn how(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Number => "a whole number, for example `8`",
        ParameterKind::Flag => "`yes` or `no`",
        ParameterKind::Permille => "a share, for example `25%` or `0.25`",
        ParameterKind::Bytes => "a number of bytes, for example `4 MiB`",
        ParameterKind::Micros => "a duration, for example `250ms` or `30s`",
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "it has none".to_owned(),
        names => format!("it has `{}`", names.join("`, `")),
    }
}

/// Values for all parameters, in the description's order: what is set, and defaults for the rest.
///
/// # Errors
/// When a name is unknown or there twice, or a value is not of its kind or out of its range.
pub fn parameter_values<'a>(
    description: &Description,
    set: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<u64>, ParameterError> {
    let parameters = &description.parameters;
    let mut values: Vec<Option<u64>> = vec![None; parameters.len()];
    for (name, value) in set {
        let place = parameters.iter().position(|parameter| parameter.name == name);
        let place = place.ok_or_else(|| ParameterError::Unknown {
            policy: description.name.clone(),
            name: excerpt(name),
            known: parameters.iter().map(|parameter| parameter.name.clone()).collect(),
        })?;
        let number = value_of(&parameters[place], value)?;
        if values[place].replace(number).is_some() {
            return Err(ParameterError::Twice(name.to_owned()));
        }
    }
    let or_default =
        |(value, parameter): (Option<u64>, &Parameter)| value.unwrap_or(parameter.default);
    Ok(values.into_iter().zip(parameters).map(or_default).collect())
}

/// What was written may be anything; an error repeats as much as one can take in.
fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}

/// How a value of this kind is written: `25%`, `4 MiB`, `250ms`.
pub fn show_value(kind: ParameterKind, value: u64) -> String {
    match kind {
        ParameterKind::Number => value.to_string(),
        ParameterKind::Flag => if value == 0 { "no" } else { "yes" }.to_owned(),
        ParameterKind::Permille if value.is_multiple_of(10) => format!("{}%", value / 10),
        ParameterKind::Permille => format!("{}.{}%", value / 10, value % 10),
        ParameterKind::Bytes => with_unit(value, BINARY_UNITS, " "),
        ParameterKind::Micros => with_unit(value, TIME_UNITS, ""),
    }
}

const BINARY_UNITS: &[(&str, u64)] =
    &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIME_UNITS: &[(&str, u64)] = &[
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
    ("µs", 1),
];

/// In the largest unit that needs no fraction.
fn with_unit(value: u64, units: &[(&str, u64)], between: &str) -> String {
    let fits = |(_, size): &&(&str, u64)| value.is_multiple_of(*size) && value >= *size;
    match units.iter().find(fits) {
        Some((unit, size)) => format!("{}{between}{unit}", value / size),
        None => value.to_string(),
    }
}

fn value_of(parameter: &Parameter, text: &str) -> Result<u64, ParameterError> {
    let text = text.trim();
    let kind = parameter.kind;
    let number = match kind {
        ParameterKind::Number => text.parse().ok(),
        ParameterKind::Flag => flag(text),
        ParameterKind::Permille => permille(text),
        ParameterKind::Bytes => text.parse().ok().map(|ByteCount(bytes)| bytes),
        ParameterKind::Micros => scaled(text, TIME_UNITS),
    };
    let (name, value) = (parameter.name.clone(), excerpt(text));
    let Some(number) = number else {
        return Err(ParameterError::Value { name, value, kind });
    };
    if !(parameter.min..=parameter.max).contains(&number) {
        let show = |number| show_value(kind, number);
        let (min, max) = (show(parameter.min), show(parameter.max));
        return Err(ParameterError::Range { name, value, min, max });
    }
    Ok(number)
}

fn flag(text: &str) -> Option<u64> {
    match text {
        "yes" | "true" | "on" | "1" => Some(1),
        "no" | "false" | "off" | "0" => Some(0),
        _ => None,
    }
}

fn permille(text: &str) -> Option<u64> {
    match text.strip_suffix('%') {
        Some(percent) => decimal(percent.trim_end(), 10),
        None => decimal(text, 1000),
    }
}

/// A number with one of the units, largest first.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if number == "0" && unit.is_empty() {
        return Some(0);
    }
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim())?;
    decimal(number, *size)
}

/// `text` times `scale`, if the result is whole.
fn decimal(text: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 18 || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u128 = whole.parse().ok()?;
    let tenths = 10_u128.pow(fraction.len() as u32);
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scaled = (whole.checked_mul(tenths)?.checked_add(fraction)?).checked_mul(scale.into())?;
    (scaled % tenths == 0).then(|| u64::try_from(scaled / tenths).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn description() -> Description {
        let kinds = [
            ("number", ParameterKind::Number, 1..=8),
            ("flag", ParameterKind::Flag, 0..=1),
            ("share", ParameterKind::Permille, 0..=1000),
            ("bytes", ParameterKind::Bytes, 0..=1 << 40),
            ("wait", ParameterKind::Micros, 0..=3_600_000_000),
        ];
        kinds.into_iter().fold(Description::new("example", "1"), |all, (name, kind, range)| {
            all.parameter(Parameter::new(kind, name, "", 1, range))
        })
    }

    fn check(name: &str, value: &str, expected: u64) {
        let description = description();
        let values = parameter_values(&description, [(name, value)]).expect("a value");
        let place = description.parameters.iter().position(|one| one.name == name);
        assert_eq!(values[place.expect("it exists")], expected, "{name}={value}");
    }

    #[test]
    fn each_kind_is_read_as_it_is_written() {
        check("number", "8", 8);
        check("flag", "yes", 1);
        check("flag", "no", 0);
        check("flag", "on", 1);
        check("share", "25%", 250);
        check("share", "0.25", 250);
        check("share", "12.5 %", 125);
        check("share", "1", 1000);
        check("bytes", "4 MiB", 4 << 20);
        check("bytes", "1.5KiB", 1536);
        check("bytes", "2 MB", 2_000_000);
        check("bytes", "17", 17);
        check("bytes", "64m", 64 << 20);
        check("wait", "250ms", 250_000);
        check("wait", "1.5s", 1_500_000);
        check("wait", "7µs", 7);
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        assert_eq!(parameter_values(&description(), []), Ok(vec![1; 5]));
    }

    #[test]
    fn a_wrong_setting_is_one_sentence_with_its_remedy() {
        let refused = |name, value| {
            parameter_values(&description(), [(name, value)]).expect_err("wrong").to_string()
        };
        assert_eq!(
            refused("numbr", "8"),
            "the policy `example` has no parameter `numbr`; it has `number`, `flag`, `share`, \
             `bytes`, `wait`"
        );
        assert_eq!(
            refused("share", "lots"),
            "`share` cannot be `lots`: it is a share, for example `25%` or `0.25`"
        );
        assert_eq!(refused("number", "9"), "`number` cannot be `9`: it takes 1 to 8");
        assert_eq!(refused("bytes", "2 TiB"), "`bytes` cannot be `2 TiB`: it takes 0 to 1 TiB");
        assert_eq!(refused("wait", "2h"), "`wait` cannot be `2h`: it takes 0 to 1h");
        assert!(refused("wait", "5").contains("250ms"), "a duration needs its unit");
        assert!(refused("share", "0.2555").contains("25%"), "finer than a thousandth");
        assert!(refused("share", "200%").contains("0% to 100%"));
        assert!(refused("share", &"x".repeat(9_999)).len() < 200);
        let twice = parameter_values(&description(), [("flag", "1"), ("flag", "0")]);
        assert_eq!(twice, Err(ParameterError::Twice("flag".to_owned())));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(place in 0..5usize, text in ".{0,24}") {
            let description = description();
            let name = description.parameters[place].name.as_str();
            if let Ok(values) = parameter_values(&description, [(name, text.as_str())]) {
                let parameter = &description.parameters[place];
                let shown = show_value(parameter.kind, values[place]);
                let again = parameter_values(&description, [(name, shown.as_str())]);
                prop_assert_eq!(again, Ok(values));
            }
        }
    }
}
