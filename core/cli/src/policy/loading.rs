//! What it costs to load a policy, and to swap it on a running node.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use samara_node::{Node, NodeConfig, PolicyConfig, PolicyMode, PolicyRequest};
use samara_policy_host::{Host, Limits};
use serde::Serialize;

use crate::exit::Failure;

/// Times to load are medians of so many.
const LOADS: usize = 5;
/// Swaps that are timed.
const SWAPS: usize = 200;

/// What was measured.
#[derive(Serialize)]
pub struct Loading {
    /// Bytes of the file.
    bytes: usize,
    /// Median time to check and compile it, in nanoseconds.
    compile_median_ns: u64,
    /// The same when it was compiled before.
    cached_median_ns: u64,
    /// Median time to put it in the place of another loaded policy on a running node, in nanoseconds. Questions
    /// are answered meanwhile; the next one goes to the new policy.
    swap_median_ns: u64,
    /// 99 % quantile of the same.
    swap_p99_ns: u64,
}

/// Loads the file again and again, and swaps it on a node of its own on loopback.
///
/// # Errors
/// When the file cannot be loaded, or the node does not start.
pub fn measure(file: &Path) -> Result<Loading, Failure> {
    let doing = || format!("could not measure the loading of `{}`", file.display());
    let failed = |error: &dyn std::error::Error| Failure::because(doing(), error);
    let bytes = fs::read(file).map_err(|error| failed(&error))?;
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let cache = folder.path().join("cache");
    let load = |cache: Option<&Path>| {
        let host = match cache {
            Some(cache) => Host::with_cache(Limits::default(), cache),
            None => Host::new(Limits::default()),
        };
        let host = host.map_err(|error| failed(&error))?;
        let begun = Instant::now();
        host.load(&bytes).map_err(|error| failed(&error))?;
        Ok(begun.elapsed())
    };
    let median_of = |cache: Option<&Path>| {
        let times: Result<Vec<Duration>, Failure> = (0..LOADS).map(|_| load(cache)).collect();
        times.map(|mut times| super::bench::nanos(super::bench::quantile(&mut times, 50)))
    };
    let compile_median_ns = median_of(None)?;
    load(Some(&cache))?;
    let cached_median_ns = median_of(Some(&cache))?;
    let mut swaps = swap_times(file, folder.path(), cache.clone())
        .map_err(|error| Failure::new(doing(), error))?;
    Ok(Loading {
        bytes: bytes.len(),
        compile_median_ns,
        cached_median_ns,
        swap_median_ns: super::bench::nanos(super::bench::quantile(&mut swaps, 50)),
        swap_p99_ns: super::bench::nanos(super::bench::quantile(&mut swaps, 99)),
    })
}

fn swap_times(
    file: &Path,
    folder: &Path,
    cache: std::path::PathBuf,
) -> Result<Vec<Duration>, String> {
    let request = |file: &Path| PolicyRequest {
        file: file.to_owned(),
        mode: PolicyMode::Active,
        parameters: vec![],
    };
    let policy = PolicyConfig { cache: Some(cache), ..PolicyConfig::default() };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let data = Some(folder.join("data"));
    let node = NodeConfig { listen, data, policy, ..NodeConfig::default() };
    let node = Node::start(node).map_err(|error| error.to_string())?;
    // The built-in policy was active before: from now on they take turns.
    node.activate_policy(&request(file)).map_err(|error| error.to_string())?;
    let swap = |_| {
        let begun = Instant::now();
        node.roll_back_policy().map_err(|error| error.to_string())?;
        Ok(begun.elapsed())
    };
    (0..SWAPS).map(swap).collect()
}

impl Loading {
    /// As a person reads it.
    pub fn line(&self) -> String {
        let ms = |ns: u64| ns as f64 / 1e6;
        format!(
            "{} bytes: compiled in {:.0} ms, {:.1} ms when it was before; swapped on a node in {:.3} ms (p99 {:.3})",
            self.bytes,
            ms(self.compile_median_ns),
            ms(self.cached_median_ns),
            ms(self.swap_median_ns),
            ms(self.swap_p99_ns),
        )
    }
}
