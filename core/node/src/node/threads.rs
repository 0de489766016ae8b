//! The node's threads: one for the actors, those of the data plane, and those that wait for the disk.

use std::net::UdpSocket;
use std::sync::{Arc, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};

use super::StartError;
use crate::api::{ActorName, NodeConfig};
use crate::chunk_store_actor::ChunkStore;
use crate::coalesce::Coalescer;
use crate::gossip_actor::Gossip;
use crate::seeder_actor::Seeder;
use crate::selector_actor::Selector;
use crate::shared::Shared;
use crate::supervise::supervise;
use crate::tracker_actor::Tracker;

/// Most threads of the data plane that are started unasked.
const MAX_DATA_THREADS: usize = 4;
/// Largest number of threads that wait for the disk.
const DISK_THREADS: usize = 16;

/// Threads of the data plane, unless the config says. On a small machine none: waking a thread for each
/// message and back costs more than it brings (measured on two cores, 15 peers: 14 % of the processor time).
pub fn data_threads(config: &NodeConfig) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let unasked = if cores <= 2 { 0 } else { (cores / 2).min(MAX_DATA_THREADS) };
    config.data_threads.unwrap_or(unasked)
}

pub fn data_plane(threads: usize) -> Result<Option<Runtime>, StartError> {
    if threads == 0 {
        return Ok(None);
    }
    Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(DISK_THREADS)
        .thread_name("samara-data")
        .enable_all()
        .build()
        .map(Some)
        .map_err(StartError::Threads)
}

pub fn actors_runtime(coalescer: Arc<Coalescer>) -> Result<Runtime, StartError> {
    Builder::new_current_thread()
        .on_thread_park(move || coalescer.before_sleep())
        .max_blocking_threads(DISK_THREADS)
        .thread_name("samara-disk")
        .enable_all()
        .build()
        .map_err(StartError::Threads)
}

/// One thread with one current-thread system for all actors.
pub fn start_actors(
    shared: Arc<Shared>,
    udp: Arc<UdpSocket>,
    runtime: Runtime,
) -> Result<JoinHandle<()>, StartError> {
    let (ready, wait_ready) = mpsc::channel();
    let thread = std::thread::Builder::new().name("samara-actors".into());
    // Quick policies are asked on it: their stack comes on top of its own.
    let stack_bytes = (2 << 20) + shared.policies.stack_bytes();
    let thread = thread.stack_size(stack_bytes).spawn(move || {
        // The closure is called once, on this thread.
        let runtime = std::sync::Mutex::new(Some(runtime));
        let take = move || {
            let taken = runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
            taken.unwrap_or_else(|| unreachable!("a system asks for one runtime"))
        };
        let system = actix::System::with_tokio_rt(take);
        let running = shared.clone();
        system.block_on(async move {
            let stopped = running.stopped.notified();
            tokio::pin!(stopped);
            stopped.as_mut().enable();
            run_actors(&running, &udp);
            // The system runs what was spawned before this goes on: each actor has started then, and an
            // early stop finds none whose start would miss its runtime.
            tokio::task::yield_now().await;
            let _ = ready.send(());
            if !running.is_stopping() {
                stopped.await;
            }
        });
    });
    let thread = thread.map_err(StartError::Threads)?;
    let _ = wait_ready.recv();
    Ok(thread)
}

fn run_actors(shared: &Arc<Shared>, udp: &Arc<UdpSocket>) {
    let of = |name: ActorName| (name, shared.clone());
    let (name, inner) = of(ActorName::Seeder);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.seeder.clone(),
        || true,
        move |alive, _| Seeder::new(made.clone(), alive),
    );
    let (name, inner) = of(ActorName::ChunkStore);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.chunk_store.clone(),
        || true,
        move |alive, _| ChunkStore::new(made.clone(), alive),
    );
    let (name, inner) = of(ActorName::Selector);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.selector.clone(),
        || true,
        move |alive, _| Selector::new(made.clone(), alive),
    );
    let (name, inner) = of(ActorName::Gossip);
    let (made, socket) = (shared.clone(), udp.clone());
    supervise(
        name,
        inner,
        shared.gossip.clone(),
        || true,
        move |alive, _| Gossip::new(made.clone(), socket.clone(), alive),
    );
    let (name, inner) = of(ActorName::Tracker);
    let made = shared.clone();
    supervise(
        name,
        inner,
        shared.tracker.clone(),
        || true,
        move |alive, _| Tracker::new(made.clone(), alive),
    );
}
