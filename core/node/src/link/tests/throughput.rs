//! How fast one link is. Prints; run with
//! `cargo test --release -p samara-node throughput -- --ignored --nocapture`.

use std::time::Instant;

use super::nodes::{TestNode, connect, open, serve};
use crate::link::{LinkConfig, LinkEvent};

/// Chunks that wait at the writer at any time; the engine keeps a few.
const AHEAD: u32 = 4;

/// User and system seconds of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

async fn one_to_one(size: usize, chunk: u32) {
    let in_memory = || tempfile::tempdir_in("/dev/shm").expect("memory");
    let config = LinkConfig::default();
    let mut origin = TestNode::start_in(in_memory(), super::nodes::identity(1), config.clone());
    let mut peer = TestNode::start_in(in_memory(), super::nodes::identity(2), config);
    let published = origin.publish_file(size, chunk);
    let fetched = peer.fetch(&published);
    let (link, _) = connect(&mut origin, &mut peer).await;
    open(&link, published.content.id());

    let (began, cpu) = (Instant::now(), cpu_seconds());
    let chunks = published.content.manifest().chunk_count();
    let mut asked = 0;
    for _ in 0..chunks.min(AHEAD) {
        serve(&link, &published.content, asked);
        asked += 1;
    }
    let mut stored = 0;
    while stored < chunks {
        tokio::select! {
            Some(event) = origin.events.recv() => {
                if matches!(event, LinkEvent::ChunkSent { .. }) && asked < chunks {
                    serve(&link, &published.content, asked);
                    asked += 1;
                }
            }
            Some(event) = peer.events.recv() => {
                stored += u32::from(matches!(event, LinkEvent::ChunkStored { .. }));
            }
        }
    }
    let (took, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let gib = size as f64 / (1u64 << 30) as f64;
    println!(
        "{} KiB chunks: {took:.2} s, {:.0} MiB/s, {:.2} CPU s per GiB, both ends",
        chunk >> 10,
        gib * 1024.0 / took,
        cpu / gib
    );
    assert!(fetched.is_complete());
}

#[test]
#[ignore = "prints, and takes seconds"]
fn throughput_of_one_link() {
    let size = std::env::var("SIZE_MIB").ok().and_then(|size| size.parse().ok()).unwrap_or(2048);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::env::var("WORKERS").map_or(2, |n| n.parse().expect("a number")))
        .enable_all()
        .build()
        .expect("a runtime");
    let only = std::env::var("CHUNK_KIB").ok().and_then(|kib| kib.parse::<u32>().ok());
    let chunks = only.map_or(vec![64, 256, 2048], |kib| vec![kib]);
    for chunk in chunks.into_iter().map(|kib| kib << 10) {
        runtime.block_on(one_to_one(size << 20, chunk));
    }
}
