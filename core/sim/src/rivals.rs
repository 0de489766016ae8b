//! What was there before: servers that hand out whole copies. Simulated on the same network as the swarms,
//! without the engine: a client is one transfer.

use samara_model::BytesPerSecond;

use crate::network::{EXACT_NODES, Network, Sharing};

/// Which server a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Servers {
    /// Each of so many has everything; clients are dealt out evenly.
    Replicas(u32),
    /// Each of so many has a part of all files, by the hash of the name: one hot file lies on one of them.
    Shards(u32),
}

/// When each of `clients` has its copy of `size` bytes, in seconds and in order; every link carries `rate`
/// each way.
pub fn completions(servers: Servers, clients: u32, size: u64, rate: BytesPerSecond) -> Vec<f64> {
    let (count, server_of): (u32, fn(u32, u32) -> u32) = match servers {
        Servers::Replicas(count) => (count.max(1), |client, count| client % count),
        // Where the one file lies; any other place gives the same times.
        Servers::Shards(count) => (count.max(1), |_, count| count / 2),
    };
    let per_ns = rate.0 as f64 / 1e9;
    let links = vec![per_ns; (count + clients) as usize];
    let exact = (count + clients) as usize <= EXACT_NODES;
    let mut network = Network::new(links, if exact { Sharing::Exact } else { Sharing::Local });
    for client in 0..clients {
        let path = [server_of(client, count), count + client];
        network.start(0, &path, size as f64);
    }
    let mut times = Vec::with_capacity(clients as usize);
    while let Some((at, flow)) = network.next() {
        network.stop(at, flow);
        times.push(at as f64 / 1e9);
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_takes_as_many_copies_as_there_are_clients() {
        let (size, rate) = (5_000_000_000, BytesPerSecond(5_000_000_000));
        let last = |servers| completions(servers, 1000, size, rate).pop().unwrap_or_default();
        for (servers, expected) in [
            (Servers::Replicas(1), 1000.0),
            (Servers::Replicas(10), 100.0),
            (Servers::Shards(10), 1000.0),
        ] {
            let seconds = last(servers);
            assert!((seconds / expected - 1.0).abs() < 0.01, "{servers:?}: {seconds} s");
        }
    }
}
