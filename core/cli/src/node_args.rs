//! The options of a node that runs inside a command: shared by `serve` and `fetch`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use samara_model::{BytesPerSecond, Label, Labels};
use samara_node::{
    Discovery, Node, NodeConfig, Notice, PolicyConfig, PolicyMode, PolicyRequest, StartError,
};

use crate::exit::Failure;
use crate::json::Event;
use crate::output::Output;
use crate::signals::{Second, Stop};
use crate::units;

/// How peers find each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiscoveryArg {
    /// Ask a tracker
    Tracker,
    /// Hear of each other by gossip
    Gossip,
    /// Both; each goes on when the other fails
    Both,
}

impl DiscoveryArg {
    /// The word as it is written on the command line.
    pub fn word(self) -> &'static str {
        match self {
            DiscoveryArg::Tracker => "tracker",
            DiscoveryArg::Gossip => "gossip",
            DiscoveryArg::Both => "both",
        }
    }

    /// Whether a tracker takes part.
    pub fn has_tracker(self) -> bool {
        self != DiscoveryArg::Gossip
    }

    fn ways(self) -> Discovery {
        Discovery { tracker: self.has_tracker(), gossip: self != DiscoveryArg::Tracker }
    }
}

/// What a policy is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyModeArg {
    /// It decides
    Active,
    /// It is asked, too, and compared; nothing that it decides is done
    Shadow,
}

/// Options of the node inside the command.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Network")]
pub struct NodeArgs {
    /// Address for TCP and UDP; port 0 picks a free one. By default a free port of all addresses
    #[arg(long, value_name = "ADDR", value_parser = units::own_address)]
    pub listen: Option<SocketAddr>,
    /// Any node of the cluster, HOST:PORT; may be repeated
    #[arg(long, value_name = "ADDR", value_parser = units::host_and_port)]
    pub join: Vec<String>,
    /// The address that others dial, where it differs from --listen
    #[arg(long, value_name = "ADDR", value_parser = units::own_address)]
    pub advertise: Option<SocketAddr>,
    /// Only nodes with the same cluster id talk to each other
    #[arg(long, value_name = "ID")]
    pub cluster: Option<String>,
    /// What to tell policies about this node, for example `rack=r12`; may be repeated. `zone`, `rack` and
    /// `host` say where it stands
    #[arg(long, value_name = "KEY=VALUE")]
    pub label: Vec<Label>,
    /// A policy to decide who gets which chunk from whom, a `.wasm` file; by default the built-in one
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Whether it decides, or is only compared with the built-in one
    #[arg(long, value_name = "MODE", default_value = "active", requires = "policy")]
    pub policy_mode: PolicyModeArg,
    /// Set a parameter of the policy, NAME=VALUE; may be repeated. `samara policy inspect` lists them
    #[arg(long, value_name = "NAME=VALUE", requires = "policy", value_parser = units::name_and_value)]
    pub policy_param: Vec<(String, String)>,
    /// How peers find each other
    #[arg(long, value_name = "HOW", default_value = "both")]
    pub discovery: DiscoveryArg,
    /// Send at most this much in all, for example `100Mbit/s`
    #[arg(long, value_name = "RATE", value_parser = units::limit)]
    pub limit_up: Option<BytesPerSecond>,
    /// Receive at most this much in all
    #[arg(long, value_name = "RATE", value_parser = units::limit)]
    pub limit_down: Option<BytesPerSecond>,
    /// Answer `/metrics` for Prometheus, `/healthz` and `/readyz` over HTTP on this address; port 0 picks one
    #[arg(long, value_name = "ADDR", value_parser = units::own_address)]
    pub metrics: Option<SocketAddr>,
    /// Count nothing of what happens, to measure what counting costs
    #[arg(long, conflicts_with = "metrics")]
    pub no_metrics: bool,
    /// Stop when stdin is closed, as the children of `samara demo` do
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
}

/// Where this user's programs keep what they can make again: policies are compiled once per user, not once per
/// `fetch`.
fn user_cache() -> Option<PathBuf> {
    let given = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")))?;
    Some(cache.join("samara/policies"))
}

impl NodeArgs {
    /// The node's configuration, with its state in `data`.
    ///
    /// # Errors
    /// When a label is given twice, or a join address does not resolve.
    pub fn config(&self, data: PathBuf) -> Result<NodeConfig, Failure> {
        let usual = NodeConfig::default();
        let mut labels = Labels::default();
        for label in &self.label {
            labels.add(label.clone()).map_err(Failure::usage)?;
        }
        Ok(NodeConfig {
            listen: self.listen.unwrap_or(usual.listen),
            advertise: self.advertise,
            data: Some(data),
            join: resolve_all("--join", &self.join)?,
            cluster: self.cluster.clone().unwrap_or_else(|| usual.cluster.clone()),
            labels,
            policy: PolicyConfig {
                load: self.policies(),
                cache: user_cache(),
                ..PolicyConfig::default()
            },
            discovery: self.discovery.ways(),
            limit_up: self.limit_up,
            limit_down: self.limit_down,
            metrics_listen: self.metrics,
            count_metrics: !self.no_metrics,
            ..usual
        })
    }

    fn policies(&self) -> Vec<PolicyRequest> {
        let mode = match self.policy_mode {
            PolicyModeArg::Active => PolicyMode::Active,
            PolicyModeArg::Shadow => PolicyMode::Shadow,
        };
        let parameters = self.policy_param.clone();
        let request = |file: &PathBuf| PolicyRequest { file: file.clone(), mode, parameters };
        self.policy.as_ref().map(request).into_iter().collect()
    }

    /// What asks this command to stop.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub fn stop(&self) -> Result<Stop, Failure> {
        let stop = Stop::on_signals(Second::ExitsAtOnce)?;
        if self.stop_with_stdin {
            stop.also_with_stdin();
        }
        Ok(stop)
    }
}

/// Starts the node.
///
/// # Errors
/// When it cannot start: the port or the data directory is in use, and the like.
pub fn start(config: NodeConfig) -> Result<Node, Failure> {
    let doing = format!("could not start a node on {}", config.listen);
    Node::start(config).map_err(|error| match error {
        StartError::Cluster(_) => Failure::usage(error),
        error => Failure::because(doing, &error),
    })
}

/// Tells where the metrics are.
///
/// # Errors
/// When stdout was closed.
pub fn tell_metrics(node: &Node, output: &Output) -> Result<(), Failure> {
    let Some(listen) = node.metrics_addr() else { return Ok(()) };
    output.note(&format!("metrics on http://{listen}/metrics"));
    output.event(&Event::Metrics { listen })
}

/// Resolves every address of an option.
///
/// # Errors
/// When one does not resolve.
pub fn resolve_all(option: &str, texts: &[String]) -> Result<Vec<SocketAddr>, Failure> {
    let mut found = Vec::new();
    for text in texts {
        let addresses = units::resolve(text).map_err(|why| {
            Failure::new(format!("could not use {option} {text}"), why)
                .next("check the name, or give an IP address")
        })?;
        found.extend(addresses);
    }
    Ok(found)
}

/// A notice of the node in words and as an event.
pub fn tell(notice: &Notice) -> (String, Event) {
    let text = notice.to_string();
    let event = Event::Notice { kind: notice.kind().to_owned(), text: text.clone() };
    (format!("note: {text}"), event)
}
