//! Two nodes in one program: one publishes a file, the other gets it by name.
//!
//! `cargo run --release --bin example-share -- FILE COPY`

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use samara_model::{ContentRef, ReleaseName};
use samara_node::{FetchRequest, Node, NodeConfig, PublishRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(file), Some(copy)) = (arguments.next(), arguments.next()) else {
        return Err("usage: example-share FILE COPY".into());
    };
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let release = ReleaseName::new("example", "1.0")?;

    let origin = Node::start(NodeConfig { listen: loopback, ..NodeConfig::default() })?;
    let request = PublishRequest { path: file, release: release.clone(), chunk_size: None };
    let published = origin.publish(request, |_| {})?;
    println!("published {} as {release}, {}", published.content, published.size);

    let join = vec![origin.advertised()];
    let peer = Node::start(NodeConfig { listen: loopback, join, ..NodeConfig::default() })?;
    let content = ContentRef::Release(release);
    let fetch = FetchRequest { content, output: copy, wait: Duration::from_secs(10) };
    let fetched = peer.fetch(fetch).wait()?;
    println!("fetched to {} in {:?}", fetched.output.display(), fetched.took);

    peer.stop();
    origin.stop();
    Ok(())
}
