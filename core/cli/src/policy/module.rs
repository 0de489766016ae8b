//! A policy's file on the command line, and questions made to fit it.

use std::fs;
use std::path::{Path, PathBuf};

use samara_policy::testing::{Field, fields};
use samara_policy::{Description, Question, Sites, column};
use samara_policy_host::{Host, Limits, LoadError, Module, parameter_values};

use crate::exit::Failure;

/// Which policy, and with which parameters.
#[derive(Debug, clap::Args)]
pub struct ModuleArgs {
    /// The policy: a `.wasm` file from `samara policy build`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    params: Params,
}

/// Values of a policy's parameters.
#[derive(Debug, clap::Args)]
pub struct Params {
    /// Set a parameter, NAME=VALUE; may be repeated. The others have their defaults
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
}

impl Params {
    /// The values for a policy, in its order.
    ///
    /// # Errors
    /// When a parameter is not there, or cannot have the value; `policy` is what the user called it.
    pub fn values(&self, policy: &str, description: &Description) -> Result<Vec<u64>, Failure> {
        if let Some(text) = self.params.iter().find(|text| !text.contains('=')) {
            let why = format!("--param {text} is not NAME=VALUE; write it like `candidates=4`");
            return Err(Failure::usage(why));
        }
        let settings = self.params.iter().filter_map(|text| text.split_once('='));
        parameter_values(description, settings)
            .map_err(|error| Failure::usage(format!("`{policy}`: {error}")))
    }

    /// As they were written, to be written again.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.params.iter().map(String::as_str)
    }
}

/// A loaded policy with its parameters.
pub struct Loaded {
    /// The policy.
    pub module: Module,
    /// Values of its parameters, in its order.
    pub values: Vec<u64>,
}

impl ModuleArgs {
    /// Loads the file.
    ///
    /// # Errors
    /// One sentence that names the file, what is wrong, and the remedy.
    pub fn load(&self, limits: Limits) -> Result<Loaded, Failure> {
        let module = load(&self.file, limits)?;
        let values = self.params.values(&self.file.display().to_string(), module.description())?;
        Ok(Loaded { module, values })
    }
}

/// Loads a file with these limits.
///
/// # Errors
/// One sentence that names the file, what is wrong, and the remedy.
pub fn load(file: &Path, limits: Limits) -> Result<Module, Failure> {
    let name = file.display();
    let refused = |error: LoadError| Failure::new(format!("`{name}` {error}"), "");
    let unreadable = |error| Failure::new(format!("could not read `{name}`"), error);
    let size = fs::metadata(file).map_err(unreadable)?.len();
    if size > limits.file_bytes as u64 {
        let (size, limit) = (usize::try_from(size).unwrap_or(usize::MAX), limits.file_bytes);
        return Err(refused(LoadError::FileSize { size, limit }));
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    let host = Host::new(limits)
        .map_err(|error| Failure::because("could not set up the policy host", &error))?;
    host.load(&bytes).map_err(refused)
}

/// The same question of a fleet where peers carry the labels that the policy wants to see: a third of them as this
/// node, a third others, a third none; and stand in three racks, when it wants to see sites. `None` when it wants to see
/// neither.
pub fn labelled(mut question: Question, description: &Description) -> Option<Question> {
    let mut labels = false;
    fields(&mut question, &mut |name, field| match (name, field) {
        ("me.labels", Field::Column64(mine)) => {
            labels = !mine.is_empty();
            mine.fill(1);
        }
        ("peers.labels", Field::Column64(theirs)) => {
            theirs.iter_mut().enumerate().for_each(|(at, label)| *label = (at % 3) as u64);
        }
        _ => {}
    });
    let sites = description.columns.contains(&column::SITES);
    if let (true, Question::Offers(view)) = (sites, &mut question) {
        view.me.rack = 1;
        (1..).zip(&mut view.peers.rack).for_each(|(at, rack)| *rack = 1 + at % 3);
        view.more.extend(Sites::of(view).into_columns());
    }
    (labels || sites).then_some(question)
}

/// The question as this policy would be asked it: with its parameters and the number of its labels.
pub fn fitted(mut question: Question, description: &Description, values: &[u64]) -> Question {
    let labels = description.labels.len();
    let mut peers = 0;
    fields(&mut question, &mut |name, field| match (name, field) {
        ("me.parameters", Field::Column64(parameters)) => *parameters = values.to_vec(),
        ("me.labels", Field::Column64(mine)) => mine.resize(labels, 0),
        ("peers.id", Field::Column64(ids)) => peers = ids.len(),
        ("peers.labels", Field::Column64(theirs)) => theirs.resize(labels * peers, 0),
        _ => {}
    });
    question
}

#[cfg(test)]
mod tests {
    use samara_policy::Hook;
    use samara_policy::testing::scenario;

    use super::*;

    #[test]
    fn a_policy_that_looks_at_labels_is_shown_some() {
        let mut description = Description::new("near", "1");
        let question =
            |description: &Description| fitted(scenario(Hook::Offers, 7, 10, 1), description, &[]);
        assert!(labelled(question(&description), &description).is_none(), "it looks at none");
        description.labels = vec!["tier".into(), "site".into()];
        let Some(Question::Offers(view)) = labelled(question(&description), &description) else {
            panic!("it looks at two")
        };
        assert_eq!(view.me.labels, [1, 1]);
        assert_eq!(view.peers.labels, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn a_policy_that_wants_sites_is_shown_several() {
        let description = Description::new("near", "1").column(column::SITES);
        let question = fitted(scenario(Hook::Offers, 7, 10, 1), &description, &[]);
        let Some(Question::Offers(view)) = labelled(question, &description) else {
            panic!("it looks at them")
        };
        assert!(view.more.iter().any(|one| one.id == column::SITES));
        assert_eq!((Sites::of(&view).len(), Sites::of(&view).site(1)), (3, 2));
    }
}
