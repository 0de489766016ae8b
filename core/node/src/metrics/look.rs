//! Looks at the node when somebody asks for the page: states, depths, sizes.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::labels::{CONDITIONS, PHASES, phase_number};
use super::process;
use super::text::{Reading, Text};
use crate::api::FetchPhase;
use crate::content_state::ContentState;
use crate::fetch::Resolving;
use crate::shared::Shared;
use crate::waiting::TOO_LONG;

/// The node's page for Prometheus. Touches files: not for a thread that runs sockets or actors.
pub fn page(shared: &Shared) -> String {
    let mut reading = Reading::default();
    let contents: Vec<Arc<ContentState>> = {
        let contents = shared.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.values().cloned().collect()
    };
    reading.set("samara_build_info", &[1.0]);
    reading.set("samara_ready", &[f64::from(u8::from(shared.is_ready()))]);
    transfers(&mut reading, &contents, &shared.resolving);
    traffic(&mut reading, shared, &contents);
    gossip(&mut reading, shared);
    policies(&mut reading, shared);
    actors(&mut reading, shared, &contents);
    store(&mut reading, shared, &contents);
    process::read(&mut reading);
    let mut text = Text::new();
    shared.metrics.recorder.write(&mut text);
    reading.write(&mut text);
    text.into_page()
}

fn is_under_way(phase: &FetchPhase) -> bool {
    *phase != FetchPhase::Complete
}

fn transfers(reading: &mut Reading, contents: &[Arc<ContentState>], names: &Resolving) {
    let mut phases = [0.0; PHASES.len()];
    // They have no content yet.
    phases[phase_number(&FetchPhase::Finding)] = names.now() as f64;
    let (mut stalled, mut sourceless, mut size, mut done, mut copies) =
        (0.0, 0.0, 0.0, 0.0, 0.0f64);
    for state in contents {
        let phase = state.phase();
        phases[phase_number(&phase)] += 1.0;
        let total = state.stored().map_or(0.0, |stored| stored.total().0 as f64);
        if state.origin && total > 0.0 {
            copies = copies.max(state.sent.load(Relaxed) as f64 / total);
        }
        if !is_under_way(&phase) {
            continue;
        }
        size += total;
        if total > 0.0 {
            done += state.done.load(Relaxed) as f64;
        }
        if state.stalled_for().is_some() {
            stalled += 1.0;
        }
        let waits = !matches!(phase, FetchPhase::Checking | FetchPhase::Finishing);
        let outlook = *state.outlook.lock().unwrap_or_else(PoisonError::into_inner);
        if waits && outlook.sources == 0 {
            sourceless += 1.0;
        }
    }
    reading.set("samara_transfers", &phases);
    reading.set("samara_transfers_stalled", &[stalled]);
    reading.set("samara_transfers_without_source", &[sourceless]);
    let unresolved = names.for_longer_than(TOO_LONG, Instant::now()).len();
    reading.set("samara_transfers_unresolved", &[unresolved as f64]);
    reading.set("samara_transfer_size_bytes", &[size]);
    reading.set("samara_transfer_done_bytes", &[done]);
    reading.set("samara_origin_egress_copies", &[copies]);
}

fn traffic(reading: &mut Reading, shared: &Shared, contents: &[Arc<ContentState>]) {
    let traffic = shared.links().map(|links| links.counters().read()).unwrap_or_default();
    let control = [traffic.control_received as f64, traffic.control_sent as f64];
    reading.set("samara_control_bytes_total", &control);
    let (mut inbound, mut outbound) = (0.0, 0.0);
    for link in shared.live_links() {
        *(if link.dialled { &mut outbound } else { &mut inbound }) += 1.0;
    }
    reading.set("samara_peer_connections", &[inbound, outbound]);
    let sum = |of: fn(&ContentState) -> u32| contents.iter().map(|one| f64::from(of(one))).sum();
    let incoming = sum(|state| state.incoming.load(Relaxed));
    let outgoing = sum(|state| state.outgoing.load(Relaxed));
    reading.set("samara_outstanding_chunks", &[incoming, outgoing]);
    let slots = shared.metrics.slots.get().map(|slots| slots as f64);
    reading.set("samara_slots", &slots);
}

fn gossip(reading: &mut Reading, shared: &Shared) {
    let pulse = &shared.metrics.pulse;
    let of = |value: &std::sync::atomic::AtomicU64| value.load(Relaxed) as f64;
    let (alive, suspect) = (of(&pulse.alive), of(&pulse.suspect));
    reading.set("samara_peers", &[alive, suspect, of(&pulse.down)]);
    reading.set("samara_gossip_backlog", &[of(&pulse.backlog)]);
    let now = shared.clock.now();
    let alone = alive + suspect == 0.0;
    let age = if alone { Duration::ZERO } else { now.since(pulse.heard.get()) };
    reading.set("samara_gossip_view_age_seconds", &[age.as_secs_f64()]);
    let since = now.since(pulse.beat.get()).as_secs_f64();
    reading.set("samara_actor_heartbeat_age_seconds", &[since]);
}

fn policies(reading: &mut Reading, shared: &Shared) {
    let status = shared.policies.status();
    let active = if status.quarantined { "quarantined" } else { &status.active.condition };
    let shadow = status.shadow.as_ref().map_or("none", |row| row.condition.as_str());
    let states = [active, shadow]
        .into_iter()
        .flat_map(|is| CONDITIONS.iter().map(move |one| f64::from(u8::from(*one == is))));
    reading.set("samara_policy_state", &states.collect::<Vec<_>>());
    let memory = [Some(&status.active), status.shadow.as_ref()];
    let memory = memory.map(|row| row.map_or(0.0, |row| row.memory_bytes as f64));
    reading.set("samara_policy_memory_bytes", &memory);
    reading.set("samara_policy_generation", &[status.generation as f64]);
    let changed = shared.metrics.policies_changed_at.load(Relaxed);
    reading.set("samara_policy_loaded_timestamp_seconds", &[changed as f64]);
}

fn actors(reading: &mut Reading, shared: &Shared, contents: &[Arc<ContentState>]) {
    let swarms = contents.iter().map(|state| state.swarm.gauge().now()).max().unwrap_or(0);
    let depths = [
        shared.seeder.gauge().now(),
        shared.chunk_store.gauge().now(),
        shared.gossip.gauge().now(),
        shared.selector.gauge().now(),
        swarms,
        shared.tracker.gauge().now(),
    ];
    reading.set("samara_actor_mailbox_depth", &depths.map(|depth| depth as f64));
}

fn store(reading: &mut Reading, shared: &Shared, contents: &[Arc<ContentState>]) {
    let fetched = contents.iter().filter(|state| !state.origin);
    let used: u64 = fetched.clone().map(|state| state.done.load(Relaxed)).sum();
    reading.set("samara_store_used_bytes", &[used as f64]);
    let mut places = vec![shared.store.dir().to_path_buf()];
    // Where nothing is written any more does not matter.
    let written = fetched.filter(|state| is_under_way(&state.phase()));
    let folders = written.filter_map(|state| Some(state.output.as_ref()?.parent()?.to_path_buf()));
    places.extend(folders);
    places.sort_unstable();
    places.dedup();
    let systems = places.iter().filter_map(|path: &PathBuf| process::file_system(path));
    if let Some((free, all)) = systems.min() {
        reading.set("samara_store_free_bytes", &[free as f64]);
        reading.set("samara_store_size_bytes", &[all as f64]);
    }
}
