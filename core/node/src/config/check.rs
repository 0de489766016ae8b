//! What does not go together, and what cannot be on this machine.

use std::path::Path;

use samara_model::{Label, MAX_LABELS};

use super::mistake::{Mistake, Where};
use super::tables::{ClassLimitsTable, Config, DiscoveryWay, LimitsTable, Role};

/// All of it; where each stands is filled in by the caller.
pub fn check(config: &Config) -> Vec<Mistake> {
    let mut found = Found(Vec::new());
    node(config, &mut found);
    admin(config, &mut found);
    limits(config, &mut found);
    policy(config, &mut found);
    found.0
}

struct Found(Vec<Mistake>);

impl Found {
    fn say(&mut self, key: &str, what: impl Into<String>) {
        self.0.push(Mistake::new(Where::Whole, key, what));
    }
}

fn node(config: &Config, found: &mut Found) {
    let node = &config.node;
    if node.roles.is_empty() {
        found.say(
            "node.roles",
            "a node without a role does nothing: name `origin`, `peer` or `tracker`",
        );
    }
    if node.cluster.is_empty() || node.cluster.len() > 64 {
        found.say("node.cluster", "a cluster id has 1 to 64 bytes");
    }
    if let Some(address) = node.advertise.map(|address| address.0) {
        if address.ip().is_unspecified() {
            found.say(
                "node.advertise",
                format!("nobody can dial {address}: give the address of one interface"),
            );
        }
        if address.port() == 0 {
            found.say("node.advertise", "port 0 cannot be dialled: give the port of `node.listen`");
        }
    }
    let plays = node.roles.contains(&Role::Tracker);
    let knows = plays || !node.trackers.is_empty() || !node.join.is_empty();
    if node.discovery == DiscoveryWay::Tracker && !knows {
        found.say(
            "node.discovery",
            "there is no tracker to ask: name one in `node.trackers` or `node.join`, or use \"gossip\"",
        );
    }
    if !node.trackers.is_empty() && node.discovery == DiscoveryWay::Gossip {
        found.say(
            "node.trackers",
            "with `node.discovery = \"gossip\"` no tracker is asked: use \"both\"",
        );
    }
    for (key, value) in &node.labels {
        if let Err(why) = Label::new(key, value) {
            found.say(&format!("node.labels.{key}"), why.to_string());
        }
    }
    if node.labels.len() > MAX_LABELS {
        found.say("node.labels", format!("a node has at most {MAX_LABELS} labels"));
    }
}

fn admin(config: &Config, found: &mut Found) {
    if config.socket_mode().is_none() {
        found.say(
            "admin.socket_mode",
            "this is no mode: write it as for chmod, \"0600\" or \"0660\"",
        );
    }
    if let Some(listen) = config.admin.listen
        && !listen.0.ip().is_loopback()
    {
        let what = "whoever reaches the admin address may publish and remove, so it must be a loopback \
                    address, for example \"127.0.0.1:7301\"; figures for monitoring are served by \
                    `metrics.listen`";
        found.say("admin.listen", what);
    }
    let named = [
        ("admin.listen", config.admin.listen.map(|address| address.0)),
        ("metrics.listen", config.metrics.listen.map(|address| address.0)),
    ];
    let node = config.node.listen.0;
    for (key, address) in named {
        let Some(address) = address.filter(|address| address.port() > 0) else { continue };
        if address.port() == node.port() && overlap(address.ip(), node.ip()) {
            found.say(
                key,
                format!("{address} is taken by `node.listen` ({node}): choose another port"),
            );
        }
    }
    if let (_, Some(admin)) = named[0]
        && let (_, Some(metrics)) = named[1]
        && admin.port() == metrics.port()
        && admin.port() > 0
        && overlap(admin.ip(), metrics.ip())
    {
        found.say(
            "metrics.listen",
            format!("{metrics} is taken by `admin.listen`, which serves /metrics, too: leave this key out"),
        );
    }
}

fn overlap(one: std::net::IpAddr, other: std::net::IpAddr) -> bool {
    one == other || one.is_unspecified() || other.is_unspecified()
}

fn limits(config: &Config, found: &mut Found) {
    let none = ClassLimitsTable::default();
    let LimitsTable { rack, zone, remote, .. } = &config.limits;
    let tells = |key: &str| config.node.labels.contains_key(key);
    for (name, table) in [("rack", rack), ("zone", zone), ("remote", remote)] {
        if *table != none && !["zone", "rack", "host"].iter().any(|key| tells(key)) {
            found.say(
                &format!("limits.{name}"),
                "this node does not say where it stands, so no peer is of this class: set `zone` or `rack` in \
                 `node.labels`",
            );
        }
    }
    if config.storage.quota.is_some_and(|quota| quota.0.0 == 0) {
        found.say(
            "storage.quota",
            "nothing fits into a quota of zero; leave the key out for no quota",
        );
    }
}

fn policy(config: &Config, found: &mut Found) {
    let policy = &config.policy;
    match &policy.module {
        Some(module) => readable(module, found),
        None if !policy.params.is_empty() || policy.mode != Default::default() => {
            let key = if policy.params.is_empty() { "policy.mode" } else { "policy.params" };
            found.say(
                key,
                "this is for a policy, and none is named: name its file in `policy.module`",
            );
        }
        None => {}
    }
    if policy.breaker.longest_pause.0 < policy.breaker.pause.0 {
        found.say("policy.breaker.longest_pause", "this is shorter than `policy.breaker.pause`");
    }
}

fn readable(module: &Path, found: &mut Found) {
    if let Err(why) = std::fs::File::open(module) {
        let what = format!(
            "{} cannot be read ({why}): check the path and its permissions",
            module.display()
        );
        found.say("policy.module", what);
    }
}
