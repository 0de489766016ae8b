//! Checks what a module says of itself.

use samara_policy::{
    Description, Hooks, MAX_LABELS, MAX_PARAMETERS, Parameter, ParameterKind, WindowOrder, column,
};

use crate::bindings::exports::samara::policy::strategy as wit;

/// Most bytes of a name or version.
const NAME: usize = 64;
/// Most columns of later minor versions that are asked for; more is not looked at.
const MAX_COLUMNS: usize = 16;
/// Most bytes of a parameter's help.
const HELP: usize = 256;

/// The description in the SDK's types, or what is wrong with it.
pub(crate) fn checked(said: wit::Description) -> Result<Description, String> {
    check_name("its name", &said.name)?;
    if said.version.len() > NAME || said.version.chars().any(char::is_control) {
        return Err(format!("its version is no text of at most {NAME} bytes"));
    }
    let hooks = Hooks::from_bits(said.hooks)
        .ok_or_else(|| format!("its hooks are {}, and only 0 to 15 have a meaning", said.hooks))?;
    let window = WindowOrder::from_code(said.window)
        .ok_or_else(|| format!("its window order is {}, and only 0 and 1 exist", said.window))?;
    at_most("labels", said.labels.len(), MAX_LABELS)?;
    at_most("parameters", said.parameters.len(), MAX_PARAMETERS)?;
    for label in &said.labels {
        if label.is_empty() || label.len() > NAME || label.chars().any(char::is_control) {
            return Err(format!("the label {label:?} is no text of 1 to {NAME} bytes"));
        }
    }
    let parameters: Vec<Parameter> =
        said.parameters.into_iter().map(parameter).collect::<Result<_, _>>()?;
    unique("label", said.labels.iter())?;
    unique("parameter", parameters.iter().map(|parameter| &parameter.name))?;
    let (name, version, labels) = (said.name, said.version, said.labels);
    let wanted = said.more.into_iter().filter(|one| one.id == column::WANTED);
    // Ids that do not exist here are those of a later minor version.
    let columns = wanted.flat_map(|one| one.values).filter_map(|id| u32::try_from(id).ok());
    let columns = columns.take(MAX_COLUMNS).collect();
    Ok(Description { name, version, hooks, window, labels, parameters, columns })
}

fn parameter(said: wit::Parameter) -> Result<Parameter, String> {
    let wit::Parameter { name, help, kind, default, min, max } = said;
    check_name("the name of a parameter", &name)?;
    if help.len() > HELP || help.chars().any(char::is_control) {
        return Err(format!("the help of `{name}` is no text of at most {HELP} bytes"));
    }
    let kind = ParameterKind::from_code(kind)
        .ok_or_else(|| format!("`{name}` has the kind {kind}, and only 0 to 4 exist"))?;
    if min > max || !(min..=max).contains(&default) {
        return Err(format!("the default {default} of `{name}` is not within {min} to {max}"));
    }
    if kind == ParameterKind::Flag && max > 1 {
        return Err(format!("`{name}` is yes or no, so its highest value is 1 and not {max}"));
    }
    Ok(Parameter { name, help, kind, default, min, max })
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME || !name.chars().all(good) {
        return Err(format!(
            "{what} is {name:?}, and not 1 to {NAME} lower-case letters, digits and dashes"
        ));
    }
    Ok(())
}

fn at_most(what: &str, has: usize, most: usize) -> Result<(), String> {
    if has > most {
        Err(format!("it has {has} {what}, and at most {most} are allowed"))
    } else {
        Ok(())
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut names: Vec<&String> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => Err(format!("it has the {what} `{}` twice", twice[0])),
        None => Ok(()),
    }
}
