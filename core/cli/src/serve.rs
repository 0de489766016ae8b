//! `samara serve`: publish a file or folder where it lies and serve it in the foreground.

mod hashing;
mod service;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use samara_model::ReleaseName;
use samara_node::{Node, PublishRequest, Published};

use self::service::Service;
use crate::exit::Failure;
use crate::json::Event;
use crate::node_args::{self, NodeArgs};
use crate::output::{Output, OutputArgs};
use crate::signals::Stop;
use crate::units;

/// How often progress is looked at and shown.
const TICK: Duration = Duration::from_millis(100);
/// Publish a file or folder and serve it until Ctrl-C.
///
/// The bytes stay where they are. When they change underneath, they are withdrawn: nobody ever gets wrong
/// bytes. One ready line with the content id goes to stdout.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file or folder
    path: PathBuf,
    /// Name of the release, for example `llama`
    #[arg(long)]
    name: String,
    /// Version of the release, for example `2.1`
    #[arg(long = "version", value_name = "VERSION")]
    release_version: String,
    /// Bytes per chunk, a power of two from 16 KiB to 16 MiB. By default about a thousandth of the size
    #[arg(long, value_name = "SIZE", value_parser = units::chunk_size)]
    chunk_size: Option<u32>,
    /// Where the node keeps its identity and what it knows. By default in a temporary folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Also play the tracker: peers announce themselves here and are handed neighbours
    #[arg(long)]
    play_tracker: bool,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
///
/// # Errors
/// When the node cannot start, the source cannot be published, or it changes while it is served.
pub fn run(args: &Args) -> Result<(), Failure> {
    let release = ReleaseName::new(&args.name, &args.release_version).map_err(Failure::usage)?;
    let output = Output::new(args.output);
    check_source(args, &release)?;
    let stop = args.node.stop()?;
    let place = Place::choose(args.data.as_ref())?;
    let mut config = args.node.config(place.path())?;
    config.be_tracker = args.play_tracker;
    let node = Arc::new(node_args::start(config)?);
    let outcome = publish_and_serve(&node, args, release, &output, &stop);
    // While a source is still being hashed, the hashing thread holds the node; then the process just ends.
    if let Some(node) = Arc::into_inner(node) {
        node.stop();
    }
    match outcome? {
        Some(sent_bytes) => output.event(&Event::Stopped { sent_bytes }),
        None => Ok(()),
    }
}

/// A mistyped path is told before a node is started for it.
fn check_source(args: &Args, release: &ReleaseName) -> Result<(), Failure> {
    let found = std::fs::metadata(&args.path);
    found.map(drop).map_err(|why| {
        let path = args.path.display();
        let doing = format!("could not publish {path} as {release}");
        Failure::because(doing, &why).next("check the path")
    })
}

/// Returns the bytes that were sent, or `None` when it was asked to stop before it was ready.
fn publish_and_serve(
    node: &Arc<Node>,
    args: &Args,
    release: ReleaseName,
    output: &Output,
    stop: &Stop,
) -> Result<Option<u64>, Failure> {
    let notices = node.notices();
    let request = PublishRequest { path: args.path.clone(), release, chunk_size: args.chunk_size };
    let Some(published) = hashing::publish(node, request, output, stop)? else {
        return Ok(None);
    };
    announce(node, args, &published, output)?;
    node_args::tell_metrics(node, output)?;
    let service = Service { node, published: &published, notices, output };
    service.run(stop)?;
    Ok(Some(service.sent()))
}

/// The node's data directory: the one that was asked for, or one that goes away with the command.
enum Place {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Place {
    fn choose(given: Option<&PathBuf>) -> Result<Place, Failure> {
        if let Some(path) = given {
            return Ok(Place::Given(path.clone()));
        }
        let temporary =
            tempfile::Builder::new().prefix("samara-serve-").tempdir().map_err(|why| {
                Failure::because("could not create a temporary folder for the node", &why)
                    .next("choose a folder with --data DIR")
            })?;
        Ok(Place::Temporary(temporary))
    }

    fn path(&self) -> PathBuf {
        match self {
            Place::Given(path) => path.clone(),
            Place::Temporary(folder) => folder.path().to_owned(),
        }
    }
}

/// Prints the ready line, and how to fetch.
fn announce(
    node: &Node,
    args: &Args,
    published: &Published,
    output: &Output,
) -> Result<(), Failure> {
    let Published { content, release, size, chunks, files } = published;
    let address = node.advertised();
    output.event(&Event::Ready {
        content: content.to_string(),
        release: release.to_string(),
        size: size.0,
        chunks: *chunks,
        files: *files,
        listen: node.local_addr(),
        advertise: address,
        peer: node.peer_id().to_string(),
    })?;
    output
        .result(&format!("ready  {release}  {content}  {size} in {chunks} chunks  on {address}"))?;
    let target = args.path.file_name().unwrap_or(args.path.as_os_str()).to_string_lossy();
    let cluster = args.node.cluster.as_ref().map_or(String::new(), |id| format!(" --cluster {id}"));
    output.note(&format!(
        "fetch it on other machines:  samara fetch {content} -o {target} --join {address}{cluster}"
    ));
    Ok(())
}
