//! A node that plays the tracker for others and holds nothing itself.
//!
//! `cargo run --release --bin example-tracker -- 0.0.0.0:7300`

use std::error::Error;

use samara_node::{Discovery, Node, NodeConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::args().nth(1).ok_or("usage: example-tracker LISTEN")?;
    let node = Node::start(NodeConfig {
        listen: listen.parse()?,
        be_tracker: true,
        discovery: Discovery { tracker: true, gossip: false },
        ..NodeConfig::default()
    })?;
    println!("tracker {} on {}", node.peer_id(), node.local_addr());
    for notice in node.notices() {
        println!("{notice:?}");
    }
    Ok(())
}
