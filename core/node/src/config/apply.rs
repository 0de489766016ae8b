//! From the file to the node's own configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use samara_model::{Label, Labels};

use super::quantity::{HostPort, Rate};
use super::tables::{ClassLimitsTable, Config, DiscoveryWay, LimitsTable, Role};
use crate::api::{
    AdminConfig, Caps, ClassCaps, Discovery, NodeCaps, NodeConfig, PolicyConfig, Roles,
    StorageConfig,
};
use crate::selector::{BreakerConfig, PolicyRequest};

impl Config {
    /// Paths that are not absolute are below `folder`.
    pub(super) fn resolve_paths(&mut self, folder: Option<&Path>) {
        let below = |path: &mut Option<PathBuf>| {
            if let Some(path) = path {
                let joined = folder.map_or_else(|| path.clone(), |folder| folder.join(&*path));
                *path = std::path::absolute(&joined).unwrap_or(joined);
            }
        };
        below(&mut self.node.data);
        below(&mut self.admin.socket);
        if self.policy.module.as_deref() != Some(Path::new("built-in")) {
            below(&mut self.policy.module);
        }
    }

    /// The bits of `admin.socket_mode`.
    pub(super) fn socket_mode(&self) -> Option<u32> {
        let text = &self.admin.socket_mode;
        let digits =
            (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
    }

    /// Where the node keeps its data, when the file does not say.
    pub fn data(&self) -> PathBuf {
        self.node.data.clone().unwrap_or_else(default_data)
    }

    /// The node that this describes, as a daemon: what it takes part in survives a restart.
    pub fn node_config(&self) -> NodeConfig {
        let (join, join_names) = addresses_and_names(&self.node.join);
        let (trackers, tracker_names) = addresses_and_names(&self.node.trackers);
        let has = |role| self.node.roles.contains(&role);
        NodeConfig {
            listen: self.node.listen.0,
            advertise: self.node.advertise.map(|address| address.0),
            data: Some(self.data()),
            join,
            join_names,
            trackers,
            tracker_names,
            cluster: self.node.cluster.clone(),
            labels: self.labels(),
            discovery: Discovery {
                tracker: self.node.discovery != DiscoveryWay::Gossip,
                gossip: self.node.discovery != DiscoveryWay::Tracker,
            },
            be_tracker: has(Role::Tracker),
            limit_up: self.caps().all.up,
            limit_down: self.caps().all.down,
            limit_classes: self.class_caps(),
            metrics_listen: self.metrics.listen.map(|address| address.0),
            policy: self.policy_config(),
            roles: Roles { origin: has(Role::Origin), peer: has(Role::Peer) },
            remember: true,
            admin: AdminConfig {
                socket: self.admin.socket.clone(),
                socket_mode: self.socket_mode().unwrap_or(0o600),
                listen: self.admin.listen.map(|address| address.0),
            },
            storage: self.storage_config(),
            ..NodeConfig::default()
        }
    }

    /// What the operator says of the node.
    pub fn labels(&self) -> Labels {
        let mut labels = Labels::default();
        for (key, value) in &self.node.labels {
            // `check` has refused what cannot be.
            let _ = Label::new(key, value).and_then(|label| labels.add(label));
        }
        labels
    }

    /// All caps on bytes per second.
    pub fn caps(&self) -> NodeCaps {
        let rate = |rate: &Option<Rate>| rate.map(|Rate(rate)| rate);
        let ClassCaps { rack, zone, remote } = self.class_caps();
        let all = Caps { up: rate(&self.limits.up), down: rate(&self.limits.down) };
        NodeCaps { all, rack, zone, remote }
    }

    fn class_caps(&self) -> ClassCaps {
        let rate = |rate: &Option<Rate>| rate.map(|Rate(rate)| rate);
        let caps = |table: &ClassLimitsTable| Caps { up: rate(&table.up), down: rate(&table.down) };
        let LimitsTable { rack, zone, remote, .. } = &self.limits;
        ClassCaps { rack: caps(rack), zone: caps(zone), remote: caps(remote) }
    }

    /// What the data directory may hold.
    pub fn storage_config(&self) -> StorageConfig {
        StorageConfig {
            quota: self.storage.quota.map(|size| size.0),
            min_free: self.storage.min_free.0,
            keep: self.storage.keep.map(u32::from),
            scrub: self.storage.scrub.map(|rate| rate.0),
        }
    }

    /// The policy that shall be loaded, if any.
    pub fn policy_request(&self) -> Option<PolicyRequest> {
        let parameters = self.policy.params.iter();
        self.policy.module.clone().map(|file| PolicyRequest {
            file,
            mode: self.policy.mode,
            parameters: parameters.map(|(name, value)| (name.clone(), value.0.clone())).collect(),
        })
    }

    fn policy_config(&self) -> PolicyConfig {
        let (limits, breaker) = (&self.policy.limits, &self.policy.breaker);
        let memory = usize::try_from(limits.memory.0.0).unwrap_or(usize::MAX);
        PolicyConfig {
            load: self.policy_request().into_iter().collect(),
            limits: samara_policy_host::Limits {
                fuel: limits.fuel.get(),
                deadline: Some(limits.deadline.0),
                memory_bytes: memory,
                ..samara_policy_host::Limits::default()
            },
            breaker: BreakerConfig {
                consecutive: breaker.consecutive.get(),
                of_window: breaker.of_window.get(),
                pause: breaker.pause.0,
                longest_pause: breaker.longest_pause.0,
                probes: breaker.probes.get(),
                strikes: breaker.strikes.get(),
                healthy_after: breaker.healthy_after.get(),
            },
            cache: None,
        }
    }
}

fn addresses_and_names(list: &[HostPort]) -> (Vec<SocketAddr>, Vec<String>) {
    let (mut addresses, mut names) = (Vec::new(), Vec::new());
    for one in list {
        match one.0.parse() {
            Ok(address) => addresses.push(address),
            Err(_) => names.push(one.0.clone()),
        }
    }
    (addresses, names)
}

/// `/var/lib/samara` for root, else the user's own folder for data of programs.
pub fn default_data() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/samara");
    }
    let given = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let share = given("XDG_DATA_HOME").or_else(|| Some(given("HOME")?.join(".local/share")));
    share.unwrap_or_else(|| PathBuf::from("/var/tmp")).join("samara")
}
