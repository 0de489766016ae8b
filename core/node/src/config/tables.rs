//! The file as types. The doc comments are the descriptions of the schema, and `samara config schema` prints
//! them; the defaults are those of a node that nobody configured.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use samara_model::ByteCount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Address, HostPort, Param, Rate, Size, Span};

/// The configuration of `samara node`. Every key may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who the node is, and how it finds others.
    pub node: NodeTable,
    /// Where it is administered. Whoever reaches it may publish, fetch, remove and swap policies.
    pub admin: AdminTable,
    /// Figures and health for monitoring. Read-only, so it may listen on any address.
    pub metrics: MetricsTable,
    /// Caps on bytes per second. Reloaded without a restart.
    pub limits: LimitsTable,
    /// What the data directory may hold. Reloaded without a restart.
    pub storage: StorageTable,
    /// Who decides which chunk goes where. Reloaded without a restart.
    pub policy: PolicyTable,
    /// What is logged. The level is reloaded without a restart.
    pub log: LogTable,
}

/// Who the node is, and how it finds others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NodeTable {
    /// What the node does: `origin` may publish, `peer` may fetch, `tracker` tells peers of each other.
    pub roles: Vec<Role>,
    /// Where identity, state and fetched contents live. By default /var/lib/samara for root, otherwise
    /// ~/.local/share/samara.
    pub data: Option<PathBuf>,
    /// TCP and UDP address; port 0 picks a free one.
    pub listen: Address,
    /// The address that others dial, where it differs from `listen`.
    pub advertise: Option<Address>,
    /// Only nodes with the same cluster id talk to each other. 1 to 64 bytes.
    pub cluster: String,
    /// Any nodes of the cluster, HOST:PORT. Retried until one answers, also names that do not resolve yet.
    pub join: Vec<HostPort>,
    /// Nodes that play the tracker, in order of preference. By default the joined nodes are asked.
    pub trackers: Vec<HostPort>,
    /// How peers find each other.
    pub discovery: DiscoveryWay,
    /// What to tell policies about this node: `zone`, `rack` and `host` say where it stands, others are free.
    /// Reloaded without a restart.
    pub labels: BTreeMap<String, String>,
}

impl Default for NodeTable {
    fn default() -> Self {
        NodeTable {
            roles: vec![Role::Origin, Role::Peer],
            data: None,
            listen: Address(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 7300))),
            advertise: None,
            cluster: "samara".into(),
            join: Vec::new(),
            trackers: Vec::new(),
            discovery: DiscoveryWay::Both,
            labels: BTreeMap::new(),
        }
    }
}

/// Something that a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It may publish.
    Origin,
    /// It may fetch.
    Peer,
    /// It plays the tracker.
    Tracker,
}

/// How peers find each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiscoveryWay {
    /// Ask a tracker.
    Tracker,
    /// Hear of each other by gossip.
    Gossip,
    /// Both; each goes on when the other fails.
    #[default]
    Both,
}

/// Where the node is administered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminTable {
    /// The Unix socket. By default admin.sock in the data directory.
    pub socket: Option<PathBuf>,
    /// Who may open the socket, as for chmod: "0600" is the node's user alone, "0660" its group, too.
    pub socket_mode: String,
    /// Also listen here, on a loopback address, for example "127.0.0.1:7301". Every user of the machine can
    /// reach it.
    pub listen: Option<Address>,
}

impl Default for AdminTable {
    fn default() -> Self {
        AdminTable { socket: None, socket_mode: "0600".into(), listen: None }
    }
}

/// Figures and health for monitoring.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsTable {
    /// Serve /metrics, /healthz and /readyz here, for example "0.0.0.0:7302". By default nowhere but on the
    /// admin addresses.
    pub listen: Option<Address>,
}

/// Caps on bytes per second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsTable {
    /// Send at most this much in all.
    pub up: Option<Rate>,
    /// Receive at most this much in all.
    pub down: Option<Rate>,
    /// To and from peers on the same host or in the same rack, all together. Labels say where a node stands.
    pub rack: ClassLimitsTable,
    /// To and from peers in the same zone, in another rack.
    pub zone: ClassLimitsTable,
    /// To and from peers in another zone, or in another rack where no zone is known.
    pub remote: ClassLimitsTable,
}

/// Caps on bytes per second for one class of peers, within those for all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClassLimitsTable {
    /// Send them at most this much.
    pub up: Option<Rate>,
    /// Receive from them at most this much.
    pub down: Option<Rate>,
}

/// What the data directory may hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StorageTable {
    /// Most bytes of contents in the data directory. Above it the oldest that are not pinned go. By default
    /// only `min_free` bounds them.
    pub quota: Option<Size>,
    /// Space that stays free on the data directory's file system. Below it the oldest contents that are not
    /// pinned go, and fetches wait.
    pub min_free: Size,
    /// Keep the newest so many releases of each name; older ones that are not pinned go. By default all.
    pub keep: Option<NonZeroU32>,
    /// Read everything again at this rate in the background, to find what the disk lost. By default only on
    /// demand.
    pub scrub: Option<Rate>,
}

impl Default for StorageTable {
    fn default() -> Self {
        StorageTable { quota: None, min_free: Size(ByteCount(1 << 30)), keep: None, scrub: None }
    }
}

/// Who decides which chunk goes where.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyTable {
    /// The `.wasm` file. By default the policy that is part of the node.
    pub module: Option<PathBuf>,
    /// Whether it decides, or is only compared with the built-in one.
    pub mode: crate::selector::PolicyMode,
    /// Values of its parameters, as people write them. `samara policy inspect FILE` lists them.
    pub params: BTreeMap<String, Param>,
    /// What a policy may use.
    pub limits: PolicyLimitsTable,
    /// How much it may fail before it is left alone.
    pub breaker: BreakerTable,
}

/// What a policy may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyLimitsTable {
    /// Fuel of one call, roughly instructions.
    pub fuel: NonZeroU64,
    /// Time of one call.
    pub deadline: Span,
    /// Memory of one instance.
    pub memory: Size,
}

impl Default for PolicyLimitsTable {
    fn default() -> Self {
        let usual = samara_policy_host::Limits::default();
        PolicyLimitsTable {
            fuel: NonZeroU64::new(usual.fuel).unwrap_or(NonZeroU64::MIN),
            deadline: Span(usual.deadline.unwrap_or_default()),
            memory: Size(ByteCount(usual.memory_bytes as u64)),
        }
    }
}

/// How much a policy may fail before it is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerTable {
    /// Left alone after so many failures in a row.
    pub consecutive: NonZeroU32,
    /// Left alone when so many of its last 128 answers failed.
    pub of_window: NonZeroU32,
    /// For how long at first; twice as long each time.
    pub pause: Span,
    /// For how long at most.
    pub longest_pause: Span,
    /// Good answers in a row after which it is trusted again.
    pub probes: NonZeroU32,
    /// Pauses after which it is not asked any more.
    pub strikes: NonZeroU32,
    /// Good answers in a row after which its pauses are forgotten.
    pub healthy_after: NonZeroU32,
}

impl Default for BreakerTable {
    fn default() -> Self {
        let usual = crate::selector::BreakerConfig::default();
        let count = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        BreakerTable {
            consecutive: count(usual.consecutive),
            of_window: count(usual.of_window),
            pause: Span(usual.pause),
            longest_pause: Span(usual.longest_pause),
            probes: count(usual.probes),
            strikes: count(usual.strikes),
            healthy_after: count(usual.healthy_after),
        }
    }
}

/// What is logged, to stderr.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogTable {
    /// How much. The variable SAMARA_LOG overrides it, for parts of the program, too.
    pub level: LogLevel,
    /// For people or for programs.
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// What a person should look at.
    Warn,
    /// One line per change of state.
    #[default]
    Info,
    /// What helps to find a mistake of the program.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word of the file.
    pub fn word(self) -> &'static str {
        match self {
            LogLevel::Off => "off",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// The form of a line of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document per line.
    Json,
}
