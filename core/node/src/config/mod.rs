//! The one file of `samara node`: what may stand in it, what is wrong with one, and the node that follows.
//!
//! `tables` is the file as types, from which the JSON Schema is made, too. `read` takes a text apart and
//! finds everything that is wrong with it at once; `check` looks at what does not go together; `apply`
//! makes a [`NodeConfig`](crate::NodeConfig) of it. Not here: signals, logs and sockets, which are the
//! daemon's.

mod apply;
mod check;
mod mistake;
mod quantity;
mod read;
mod reload;
mod tables;

use std::path::Path;

pub use mistake::{ConfigError, Mistake, Where};
pub use quantity::{Address, HostPort, Param, Rate, Size, Span};
pub use read::Setting;
pub use reload::changed_keys;
pub use tables::{
    AdminTable, BreakerTable, Config, DiscoveryWay, LimitsTable, LogFormat, LogLevel, LogTable,
    MetricsTable, NodeTable, PolicyLimitsTable, PolicyTable, Role, StorageTable,
};

impl Config {
    /// Reads a file, if one is given, and lays the settings of the command line over it. Paths in the file that
    /// are not absolute are below the file's folder.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(file: Option<&Path>, settings: &[Setting]) -> Result<Config, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path).map_err(|why| ConfigError {
                file: Some(path.to_owned()),
                mistakes: vec![Mistake::unreadable(&why)],
            })?,
        };
        let folder = file.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        Config::parse(&text, settings, folder)
            .map_err(|mistakes| ConfigError { file: file.map(Path::to_owned), mistakes })
    }

    /// Like [`Config::load`], from a text; paths in it are below `folder`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(
        text: &str,
        settings: &[Setting],
        folder: Option<&Path>,
    ) -> Result<Config, Vec<Mistake>> {
        let (mut config, places, mut mistakes) = read::read(text, settings);
        config.resolve_paths(folder);
        let pairs = check::check(&config);
        mistakes.extend(pairs.into_iter().map(|pair| pair.at(&places)));
        mistakes.sort_by_key(|mistake| mistake.place.order());
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    /// The JSON Schema of the file.
    pub fn schema() -> serde_json::Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<Config>().to_value()
    }
}

#[cfg(test)]
mod tests;
