//! From a text to a configuration, with everything that is wrong with it at once: each key is read on its own,
//! so that a mistake in one hides none in another. Which keys there are is known from the schema.

use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Table, Value};

use super::mistake::{Mistake, Places, Where};
use super::tables::Config;

/// A key that the command line sets; it wins over the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// `limits.up`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// How it was given, for messages: `--set limits.up`.
    pub option: String,
}

impl Setting {
    /// From `a.b=c`. The value may be written as in the file; what cannot be is a text.
    ///
    /// # Errors
    /// When there is no `=`, or nothing before it.
    pub fn parse(text: &str) -> Result<Setting, String> {
        let parts = text.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        let Some((key, value)) = parts.filter(|(key, _)| !key.is_empty()) else {
            return Err(format!(
                "`{text}` sets nothing: write KEY=VALUE, for example limits.up=\"1 Gbit/s\""
            ));
        };
        let written = ValueDeserializer::parse(value).and_then(Value::deserialize);
        let value = written.unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Setting { key: key.to_owned(), value, option: format!("--set {key}") })
    }

    /// A text, given by an option of its own.
    pub fn text(key: &str, value: impl Into<String>, option: &str) -> Setting {
        let value = Value::String(value.into());
        Setting { key: key.to_owned(), value, option: option.to_owned() }
    }

    /// A list of texts, given by an option of its own.
    pub fn list(key: &str, values: &[String], option: &str) -> Setting {
        let value = Value::Array(values.iter().cloned().map(Value::String).collect());
        Setting { key: key.to_owned(), value, option: option.to_owned() }
    }
}

/// What could be read, where each key stands, and what is wrong with the others.
pub fn read(text: &str, settings: &[Setting]) -> (Config, Places, Vec<Mistake>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        schema: Config::schema(),
        good: Table::new(),
        places: Places::new(),
        mistakes: Vec::new(),
    };
    for error in errors {
        let line = error.span().map_or(1, |span| reader.line(span.start));
        reader.mistakes.push(Mistake::new(Where::Line(line), "", in_one_line(error.message())));
    }
    let schema = reader.schema.clone();
    reader.table(table.get_ref(), "", &schema);
    for setting in settings {
        reader.setting(setting);
    }
    // Every key was taken on its own already; together they cannot fail.
    let config = Config::deserialize(Value::Table(reader.good)).unwrap_or_default();
    (config, reader.places, reader.mistakes)
}

struct Reader<'a> {
    text: &'a str,
    schema: Json,
    good: Table,
    places: Places,
    mistakes: Vec<Mistake>,
}

/// What the schema says of a key.
enum Kind<'a> {
    /// A section with these keys.
    Section(&'a Json),
    /// Names and values.
    Map,
    Leaf,
    Unknown,
}

fn kind_of<'a>(schema: &'a Json, key: &str) -> Kind<'a> {
    match schema["properties"].get(key) {
        Some(inner) if inner.get("properties").is_some() => Kind::Section(inner),
        Some(inner) if inner.get("additionalProperties").is_some() => Kind::Map,
        Some(_) => Kind::Leaf,
        None => Kind::Unknown,
    }
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn table(&mut self, table: &DeTable<'_>, above: &str, schema: &Json) {
        for (key, value) in table.iter() {
            let place = Where::Line(self.line(key.span().start));
            let path = below(above, key.get_ref());
            match (kind_of(schema, key.get_ref()), value.get_ref()) {
                (Kind::Section(inner), DeValue::Table(table)) => self.table(table, &path, inner),
                (Kind::Map, DeValue::Table(table)) => self.map(table, &path),
                (Kind::Section(_) | Kind::Map, _) => {
                    let what = format!(
                        "this is a section: write [{path}] on a line of its own, and its keys below"
                    );
                    self.mistakes.push(Mistake::new(place, path, what));
                }
                (Kind::Leaf, _) => self.leaf(path, place, value),
                (Kind::Unknown, _) => self.unknown(path, place),
            }
        }
    }

    fn map(&mut self, table: &DeTable<'_>, path: &str) {
        for (key, value) in table.iter() {
            let place = Where::Line(self.line(key.span().start));
            self.leaf(below(path, key.get_ref()), place, value);
        }
    }

    fn leaf(&mut self, path: String, place: Where, value: &Spanned<DeValue<'_>>) {
        let written = self.text.get(value.span()).unwrap_or_default();
        match ValueDeserializer::parse(written).and_then(Value::deserialize) {
            Ok(value) => self.take(path, place, vec![value]),
            Err(_) => {
                let what = format!("a {} cannot stand here", value.get_ref().type_str());
                self.mistakes.push(Mistake::new(place, path, what));
            }
        }
    }

    fn setting(&mut self, setting: &Setting) {
        let place = Where::CommandLine(setting.option.clone());
        let mut schema = &self.schema;
        let mut is_known = false;
        for (at, key) in setting.key.split('.').enumerate() {
            match kind_of(schema, key) {
                Kind::Section(inner) => schema = inner,
                Kind::Map => {
                    // Everything after it is one name, dots and all.
                    is_known = setting.key.split('.').nth(at + 1).is_some();
                    break;
                }
                Kind::Leaf => {
                    is_known = setting.key.split('.').nth(at + 1).is_none();
                    break;
                }
                Kind::Unknown => break,
            }
        }
        if !is_known {
            return self.unknown(setting.key.clone(), place);
        }
        let mut values = vec![setting.value.clone()];
        match &setting.value {
            // `cluster=7` is a text that looks like a number.
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
                values.push(Value::String(setting.value.to_string()));
            }
            // `node.join=a:1,b:1` is a list.
            Value::String(text) => {
                let parts = text.split(',').map(|part| Value::String(part.trim().to_owned()));
                values.push(Value::Array(parts.collect()));
            }
            _ => {}
        }
        self.take(setting.key.clone(), place, values);
    }

    /// Takes the first value that the key may have, or says what is wrong with the first.
    fn take(&mut self, path: String, place: Where, values: Vec<Value>) {
        let mut first = None;
        for value in values {
            let alone = nested(&path, value.clone());
            match Config::deserialize(Value::Table(alone.clone())) {
                Ok(_) => {
                    merge(&mut self.good, alone);
                    self.places.insert(path, place);
                    return;
                }
                Err(error) => {
                    first.get_or_insert_with(|| in_one_line(error.message()));
                }
            }
        }
        self.mistakes.push(Mistake::new(place, path, first.unwrap_or_default()));
    }

    fn unknown(&mut self, path: String, place: Where) {
        let what = match nearest(&path, &known_keys(&self.schema, "")) {
            Some(near) => format!("there is no such key; did you mean `{near}`?"),
            None => "there is no such key; `samara config schema` lists them".to_owned(),
        };
        self.mistakes.push(Mistake::new(place, path, what));
    }
}

fn below(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// How many leading parts of a path are sections; what follows a map is one name.
fn parts(path: &str) -> Vec<&str> {
    let maps = ["node.labels.", "policy.params."];
    match maps.iter().find_map(|map| Some((map, path.strip_prefix(map)?))) {
        Some((map, name)) => map.trim_end_matches('.').split('.').chain([name]).collect(),
        None => path.split('.').collect(),
    }
}

fn nested(path: &str, value: Value) -> Table {
    let mut parts = parts(path).into_iter().rev();
    let last = parts.next().unwrap_or_default();
    let innermost = Table::from_iter([(last.to_owned(), value)]);
    parts.fold(innermost, |inner, part| Table::from_iter([(part.to_owned(), Value::Table(inner))]))
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// All keys of the file, `limits.up`.
fn known_keys(schema: &Json, above: &str) -> Vec<String> {
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let keys = properties.keys().flat_map(|key| {
        let path = below(above, key);
        match kind_of(schema, key) {
            Kind::Section(inner) => [vec![path.clone()], known_keys(inner, &path)].concat(),
            _ => vec![path],
        }
    });
    keys.collect()
}

/// The key that was probably meant: the same word elsewhere, or one that differs by a few letters.
fn nearest(path: &str, known: &[String]) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |one: &String| {
        let whole = strsim::damerau_levenshtein(path, one);
        if last(path) == last(one) { whole.min(1) } else { whole }
    };
    // Of keys that are as near, the one that is least deep.
    let near = known.iter().min_by_key(|one| (distance(one), one.matches('.').count()))?;
    (distance(near) <= (path.len() / 3).clamp(1, 4)).then(|| near.clone())
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
