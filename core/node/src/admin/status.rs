//! The node as a whole, and its members.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use samara_engine::gossip::{MemberState, MemberView};
use samara_model::Place;
use tokio::sync::oneshot;

use super::answer::{Answer, Refused, blocking};
use crate::api::{Caps, NodeCaps};
use crate::catalogue::Tally;
use crate::documents::{
    ActivePolicyDocument, CapsDocument, LimitsDocument, MemberDocument, MembersDocument,
    ProcessDocument, ReloadDocument, StatusDocument, StorageDocument, TrafficDocument,
};
use crate::gossip_actor::GossipMessage;
use crate::shared::Shared;

pub async fn status(State(shared): State<Arc<Shared>>) -> Json<StatusDocument> {
    Json(document(&shared))
}

/// The status at this moment. A hundred of them a second must not slow a transfer down: nobody is asked for it, and
/// no rows are made.
pub fn document(shared: &Arc<Shared>) -> StatusDocument {
    let config = &shared.config;
    let tally = shared.tally();
    let states = tally.states.iter();
    let contents = states.map(|(state, count)| ((*state).to_owned(), *count)).collect();
    let roles = [
        ("origin", config.roles.origin),
        ("peer", config.roles.peer),
        ("tracker", config.be_tracker),
    ];
    let policy = shared.policies.status();
    let (waiting, waiting_count) = shared.waiting();
    StatusDocument {
        version: 1,
        samara: env!("CARGO_PKG_VERSION").to_owned(),
        state: if shared.is_stopping() { "stopping" } else { "ready" }.to_owned(),
        peer: shared.me.to_string(),
        cluster: config.cluster.clone(),
        listen: config.listen.to_string(),
        advertise: shared.address().to_string(),
        roles: roles
            .iter()
            .filter(|(_, plays)| *plays)
            .map(|(role, _)| (*role).to_owned())
            .collect(),
        labels: shared.said(),
        uptime_seconds: shared.clock.now().0 as f64 / 1e6,
        members: members_up(shared),
        links: shared.live_links().len() as u64,
        contents,
        waiting_count,
        waiting,
        traffic: traffic(shared, &tally),
        limits: limits(&shared.limits()),
        storage: storage(shared, &tally),
        policy: ActivePolicyDocument {
            name: policy.active.policy.name,
            version: policy.active.policy.version,
            quarantined: policy.quarantined,
        },
        process: shared.process.now(|| process(shared)),
    }
}

/// This node among them; absent with gossip off.
fn members_up(shared: &Shared) -> Option<u64> {
    let up = shared.members_up.load(Ordering::Relaxed);
    shared.config.discovery.gossip.then_some(up + 1)
}

fn limits(limits: &NodeCaps) -> LimitsDocument {
    let caps = |caps: &Caps| CapsDocument {
        up_bytes_per_second: caps.up.map(|rate| rate.0),
        down_bytes_per_second: caps.down.map(|rate| rate.0),
    };
    LimitsDocument {
        up_bytes_per_second: limits.all.up.map(|rate| rate.0),
        down_bytes_per_second: limits.all.down.map(|rate| rate.0),
        rack: caps(&limits.rack),
        zone: caps(&limits.zone),
        remote: caps(&limits.remote),
    }
}

fn traffic(shared: &Shared, tally: &Tally) -> TrafficDocument {
    let counted = shared.links().map(|links| links.counters().read()).unwrap_or_default();
    TrafficDocument {
        sent_bytes: counted.payload_sent,
        received_bytes: counted.payload_received,
        control_sent_bytes: counted.control_sent,
        control_received_bytes: counted.control_received,
        sent_bytes_per_second: tally.sent_per_second,
        received_bytes_per_second: tally.received_per_second,
    }
}

fn storage(shared: &Shared, tally: &Tally) -> StorageDocument {
    let limits = *shared.storage.lock().unwrap_or_else(PoisonError::into_inner);
    StorageDocument {
        data: shared.store.dir().to_owned(),
        used_bytes: tally.used,
        quota_bytes: limits.quota.map(|quota| quota.0),
        free_bytes: shared.store.free_space().map(|free| free.0),
        min_free_bytes: limits.min_free.0,
        keep: limits.keep,
    }
}

/// What the process cost a moment ago: the system takes longer to say it than everything else takes together.
#[derive(Default)]
pub struct ProcessCost(Mutex<Option<(Instant, ProcessDocument)>>);

/// How old that may be.
const MOMENT: Duration = Duration::from_millis(200);

impl ProcessCost {
    fn now(&self, read: impl FnOnce() -> ProcessDocument) -> ProcessDocument {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cost)) = known.as_ref().filter(|(at, _)| at.elapsed() < MOMENT) {
            return cost.clone();
        }
        let cost = read();
        *known = Some((Instant::now(), cost.clone()));
        cost
    }
}

/// User and system time, from `/proc/self/stat`: fields 14 and 15, in hundredths of a second on every Linux.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program, in parentheses, may hold spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// From `/proc`; zeros where it cannot be read.
fn process(shared: &Shared) -> ProcessDocument {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    ProcessDocument {
        pid: std::process::id(),
        resident_bytes: field("VmRSS:") * 1024,
        cpu_seconds: cpu_seconds(),
        threads: field("Threads:"),
        tasks: shared.data_plane.metrics().num_alive_tasks() as u64,
        open_files: std::fs::read_dir("/proc/self/fd").map_or(0, |all| all.count() as u64),
    }
}

/// Reads the configuration again.
pub async fn reload(State(shared): State<Arc<Shared>>) -> Answer<ReloadDocument> {
    let reload = shared.reload.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(reload) = reload else {
        let what = "this node was not started from a configuration: `samara node` is";
        return Err(Refused(StatusCode::CONFLICT, what.to_owned()));
    };
    blocking(move || reload().map_err(|why| Refused(StatusCode::UNPROCESSABLE_ENTITY, why))).await
}

async fn members_of(shared: &Shared) -> Option<Vec<MemberView>> {
    let (answer, answered) = oneshot::channel();
    shared.gossip.deliver(GossipMessage::Members { answer }).await;
    answered.await.ok().flatten()
}

pub async fn members(State(shared): State<Arc<Shared>>) -> Json<MembersDocument> {
    let (words, mut rows) = (shared.words(), BTreeMap::new());
    for view in members_of(&shared).await.unwrap_or_default() {
        if view.state != MemberState::Down && view.member.peer != shared.me {
            rows.insert(
                view.member.peer,
                MemberDocument {
                    peer: view.member.peer.to_string(),
                    address: view.member.address.to_string(),
                    labels: words.of(&view.member.peer, &view.place),
                    source: "gossip".to_owned(),
                    sent_bytes: 0,
                    received_bytes: 0,
                    age_seconds: Some(view.age.as_secs_f64()),
                },
            );
        }
    }
    for link in shared.live_links() {
        let counted = link.counters().read();
        let age_seconds = rows.get(&link.peer).and_then(|row| row.age_seconds);
        rows.insert(
            link.peer,
            MemberDocument {
                peer: link.peer.to_string(),
                address: link.address.to_string(),
                labels: words.of(&link.peer, &Place::default()),
                source: "link".to_owned(),
                sent_bytes: counted.payload_sent,
                received_bytes: counted.payload_received,
                age_seconds,
            },
        );
    }
    let mut members: Vec<MemberDocument> = rows.into_values().collect();
    members.sort_by(|one, other| one.address.cmp(&other.address));
    Json(MembersDocument { version: 1, members })
}
