//! Fetches a content from a running cluster, prints how it goes, and serves it to others for a minute.
//!
//! `cargo run --release --bin example-fetch -- 10.0.0.1:7300 llama@2.1 /models/llama`

use std::error::Error;
use std::time::Duration;

use samara_node::{FetchRequest, Node, NodeConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [join, content, output] = arguments.as_slice() else {
        return Err("usage: example-fetch JOIN CONTENT OUTPUT".into());
    };
    let node = Node::start(NodeConfig { join: vec![join.parse()?], ..NodeConfig::default() })?;
    let request = FetchRequest {
        content: content.parse()?,
        output: output.into(),
        wait: Duration::from_secs(30),
    };
    let fetch = node.fetch(request);
    let fetched = loop {
        let progress = fetch.wait_change(Duration::from_secs(1));
        println!(
            "{:?}: {} of {}, {} neighbours",
            progress.phase, progress.done, progress.total, progress.neighbours
        );
        if let Some(result) = fetch.result() {
            break result?;
        }
    };
    println!("{} is at {}", fetched.content, fetched.output.display());
    for peer in node.peers(fetched.content) {
        println!("{} at {} has {} ‰", peer.peer.short(), peer.address, peer.permille);
    }
    std::thread::sleep(Duration::from_secs(60));
    node.stop();
    Ok(())
}
