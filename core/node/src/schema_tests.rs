//! Holds a document against a JSON Schema, as far as ours use it.

use serde_json::Value;

/// Panics, naming the place, when `value` is not what `schema` (a part of `root`) says.
pub fn fits(root: &Value, schema: &Value, value: &Value, at: &str) {
    if let Err(why) = check(root, schema, value, at) {
        panic!("{why}");
    }
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(rules) = schema.as_object() else {
        return if schema == &Value::Bool(false) {
            Err(format!("{at}: nothing may stand here"))
        } else {
            Ok(())
        };
    };
    for (rule, says) in rules {
        match (rule.as_str(), says) {
            ("$ref", Value::String(path)) => {
                let target = root.pointer(path.trim_start_matches('#'));
                check(root, target.ok_or(format!("{at}: {path} is not there"))?, value, at)?;
            }
            ("type", says) if !has_type(says, value) => {
                return Err(format!("{at}: {value} is no {says}"));
            }
            ("enum", Value::Array(all)) if !all.contains(value) => {
                return Err(format!("{at}: {value} is none of {says}"));
            }
            ("const", says) if says != value => return Err(format!("{at}: {value} is not {says}")),
            ("anyOf" | "oneOf", Value::Array(ways)) => {
                let fit = ways.iter().any(|way| check(root, way, value, at).is_ok());
                if !fit {
                    return Err(format!("{at}: {value} fits none of {says}"));
                }
            }
            ("allOf", Value::Array(ways)) => {
                ways.iter().try_for_each(|way| check(root, way, value, at))?;
            }
            ("required", Value::Array(names)) => {
                let missing =
                    names.iter().filter_map(Value::as_str).find(|name| value.get(name).is_none());
                if let Some(name) = missing.filter(|_| value.is_object()) {
                    return Err(format!("{at}: {name} is missing"));
                }
            }
            ("items", says) => {
                for (number, one) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, one, &format!("{at}[{number}]"))?;
                }
            }
            ("minimum", says) if value.is_number() && value.as_f64() < says.as_f64() => {
                return Err(format!("{at}: {value} is below {says}"));
            }
            ("maximum", says) if value.is_number() && value.as_f64() > says.as_f64() => {
                return Err(format!("{at}: {value} is above {says}"));
            }
            _ => {}
        }
    }
    let known = rules.get("properties").and_then(Value::as_object);
    for (name, inner) in value.as_object().into_iter().flatten() {
        let place = format!("{at}.{name}");
        match (known.and_then(|known| known.get(name)), rules.get("additionalProperties")) {
            (Some(schema), _) | (None, Some(schema)) => check(root, schema, inner, &place)?,
            (None, None) => {}
        }
    }
    Ok(())
}

fn has_type(says: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    };
    match says {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}
