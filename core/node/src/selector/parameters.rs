//! Values of a policy's parameters, as people write them.

use samara_model::ByteCount;
use samara_policy::{Description, Parameter, ParameterKind};

/// Why a parameter cannot be set. The text follows "the policy `NAME` ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// It has no such parameter.
    #[error("has no parameter `{name}`; it has {known}")]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
    /// The text is no value of its kind.
    #[error("has a parameter `{name}`, but `{text}` is no {wanted}")]
    Kind {
        /// The parameter.
        name: String,
        /// What was given.
        text: String,
        /// What belongs there, with an example.
        wanted: &'static str,
    },
    /// Too low or too high.
    #[error("has a parameter `{name}` from {min} to {max}, and {text} is outside")]
    Range {
        /// The parameter.
        name: String,
        /// What was given.
        text: String,
        /// Lowest value.
        min: String,
        /// Highest value.
        max: String,
    },
    /// Given more than once.
    #[error("has a parameter `{0}`, which is given twice")]
    Twice(String),
}

/// The values of all parameters, in the order of the description: what was given, else the default.
pub fn values_of(
    description: &Description,
    given: &[(String, String)],
) -> Result<Vec<u64>, ParameterError> {
    let parameters = &description.parameters;
    let mut values: Vec<u64> = parameters.iter().map(|one| one.default).collect();
    for (at, (name, text)) in given.iter().enumerate() {
        if given[..at].iter().any(|(other, _)| other == name) {
            return Err(ParameterError::Twice(name.clone()));
        }
        let place = parameters.iter().position(|one| one.name == *name);
        let place = place.ok_or_else(|| unknown(parameters, name))?;
        values[place] = value_of(&parameters[place], text)?;
    }
    Ok(values)
}

fn unknown(parameters: &[Parameter], name: &str) -> ParameterError {
    let known: Vec<String> = parameters.iter().map(|one| format!("`{}`", one.name)).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    ParameterError::Unknown { name: excerpt(name), known }
}

fn value_of(parameter: &Parameter, text: &str) -> Result<u64, ParameterError> {
    let (value, wanted) = match parameter.kind {
        ParameterKind::Number => (text.parse().ok(), "number, for example 4"),
        ParameterKind::Flag => (flag(text), "yes or no"),
        ParameterKind::Permille => (permille(text), "share, for example 25% or 0.25"),
        ParameterKind::Bytes => {
            (text.parse::<ByteCount>().ok().map(|bytes| bytes.0), "size, for example `4 MiB`")
        }
        ParameterKind::Micros => (micros(text), "duration, for example 250ms or 2s"),
    };
    let name = parameter.name.clone();
    let Some(value) = value else {
        return Err(ParameterError::Kind { name, text: excerpt(text), wanted });
    };
    if value < parameter.min || value > parameter.max {
        let (min, max) = (written(parameter, parameter.min), written(parameter, parameter.max));
        return Err(ParameterError::Range { name, text: excerpt(text), min, max });
    }
    Ok(value)
}

/// A value as it can be given again.
pub fn written(parameter: &Parameter, value: u64) -> String {
    match parameter.kind {
        ParameterKind::Number | ParameterKind::Bytes => value.to_string(),
        ParameterKind::Flag => if value == 0 { "no" } else { "yes" }.to_owned(),
        ParameterKind::Permille if value.is_multiple_of(10) => format!("{}%", value / 10),
        ParameterKind::Permille => format!("{}.{}%", value / 10, value % 10),
        ParameterKind::Micros if value.is_multiple_of(1000) => format!("{}ms", value / 1000),
        ParameterKind::Micros => format!("{value}us"),
    }
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
        Some(percent) => scaled(percent, 10),
        None => scaled(text, 1000),
    }
}

fn micros(text: &str) -> Option<u64> {
    let units = [("us", 1), ("µs", 1), ("ms", 1000), ("s", 1_000_000), ("min", 60_000_000)];
    units.iter().find_map(|(unit, scale)| scaled(text.strip_suffix(unit)?, *scale))
}

/// A decimal number times `scale`, as an integer; digits that it cannot keep are an error.
fn scaled(text: &str, scale: u64) -> Option<u64> {
    let text = text.trim_end();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.contains('.') && fraction.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut value = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut step = scale;
    for digit in fraction.bytes() {
        if !digit.is_ascii_digit() || (!step.is_multiple_of(10) && digit != b'0') {
            return None;
        }
        step /= 10;
        value = value.checked_add(u64::from(digit - b'0') * step)?;
    }
    Some(value)
}

fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samara_policy::{Hooks, WindowOrder};

    fn description() -> Description {
        let parameter = |name: &str, kind, default, max| Parameter {
            name: name.into(),
            help: String::new(),
            kind,
            default,
            min: 1,
            max,
        };
        Description {
            name: "p".into(),
            version: "1".into(),
            hooks: Hooks::ALL,
            window: WindowOrder::Rarest,
            labels: vec![],
            parameters: vec![
                parameter("count", ParameterKind::Number, 3, 8),
                parameter("share", ParameterKind::Permille, 250, 1000),
                parameter("room", ParameterKind::Bytes, 1, 1 << 40),
                parameter("pause", ParameterKind::Micros, 1, 10_000_000),
                Parameter { min: 0, ..parameter("eager", ParameterKind::Flag, 1, 1) },
            ],
        }
    }

    fn values(given: &[(&str, &str)]) -> Result<Vec<u64>, String> {
        let given: Vec<_> = given.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        values_of(&description(), &given).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_read_as_their_kind_says() {
        assert_eq!(values(&[]), Ok(vec![3, 250, 1, 1, 1]));
        let given = [
            ("pause", "250ms"),
            ("share", "12.5%"),
            ("count", "8"),
            ("room", "4 MiB"),
            ("eager", "no"),
        ];
        assert_eq!(values(&given), Ok(vec![8, 125, 4 << 20, 250_000, 0]));
        assert_eq!(values(&[("share", "0.25"), ("pause", "1.5s")]).expect("fine")[3], 1_500_000);
    }

    #[test]
    fn wrong_values_are_refused_with_what_belongs_there() {
        let refused = |name: &str, text: &str| values(&[(name, text)]).expect_err("refused");
        assert!(refused("size", "1").contains("it has `count`, `share`"));
        assert_eq!(
            refused("count", "many"),
            "has a parameter `count`, but `many` is no number, for example 4"
        );
        assert_eq!(refused("count", "9"), "has a parameter `count` from 1 to 8, and 9 is outside");
        assert!(refused("share", "0.2555").contains("share, for example 25%"));
        assert!(refused("share", "200%").contains("from 0.1% to 100%"));
        assert!(refused("pause", "5").contains("250ms"));
        assert!(values(&[("count", "1"), ("count", "2")]).expect_err("twice").contains("twice"));
    }

    proptest! {
        #[test]
        fn any_text_is_a_value_in_range_or_refused(name in "[a-z]{0,6}", text: String) {
            for name in [name.as_str(), "count", "share", "room", "pause", "eager"] {
                if let Ok(values) = values(&[(name, &text)]) {
                    for (parameter, value) in description().parameters.iter().zip(values) {
                        prop_assert!((parameter.min..=parameter.max).contains(&value));
                    }
                }
            }
        }

        #[test]
        fn what_is_written_is_read_again(value in 1u64..=1000) {
            for parameter in &description().parameters[1..4] {
                let text = written(parameter, value);
                prop_assert_eq!(value_of(parameter, &text), Ok(value));
            }
        }
    }
}
