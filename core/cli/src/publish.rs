//! `samara publish`: publish a file or folder through the node of this machine.

use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use samara_model::{ByteCount, ReleaseName};
use samara_node::documents::{ContentDocument, PublishOrder};

use crate::admin::{NodeArg, content_path};
use crate::exit::Failure;
use crate::json::Event;
use crate::meter::Speed;
use crate::output::{Output, OutputArgs};
use crate::signals::{Second, Stop};
use crate::through::{POLL, Patient};
use crate::units;

/// Publish a file or folder through the node of this machine, where it lies.
///
/// The node reads it as its own user and goes on serving it, also after a restart. One line with the content id
/// goes to stdout when it is ready.
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
    /// Its share of slots beside other contents, 1 to 100
    #[arg(long, value_name = "N")]
    priority: Option<u32>,
    #[command(flatten)]
    node: NodeArg,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Runs the command.
///
/// # Errors
/// When no node answers, it refuses, or the source cannot be published.
pub fn run(args: &Args) -> Result<(), Failure> {
    let release = ReleaseName::new(&args.name, &args.release_version).map_err(Failure::usage)?;
    let output = Output::new(args.output);
    let stop = Stop::on_signals(Second::ExitsAtOnce)?;
    let doing = format!("could not publish {} as {release}", args.path.display());
    let path = std::path::absolute(&args.path).map_err(|why| Failure::because(&doing, &why))?;
    let order = PublishOrder {
        path,
        name: args.name.clone(),
        release_version: args.release_version.clone(),
        chunk_size: args.chunk_size,
        priority: args.priority,
    };
    let admin = args.node.admin();
    let mut content: ContentDocument = admin.send(&doing, "POST", "/v1/publish", Some(&order))?;
    let mut patient = Patient::new(&admin, &output);
    let (mut meter, mut speed) = (output.meter(), Speed::default());
    while content.state == "publishing" {
        if stop.is_set() {
            meter.clear();
            return Err(Failure::new(
                format!("stopped watching {release}"),
                "it was asked to stop",
            )
            .still("the node goes on hashing and publishes it")
            .next(format!("`samara contents` shows it, `samara cancel {release}` ends it")));
        }
        let ContentDocument { done_bytes, size_bytes, .. } = content;
        speed.record(Instant::now(), done_bytes);
        output.event(&Event::Hashing { done_bytes, total_bytes: size_bytes })?;
        meter.show(done_bytes, size_bytes, || {
            let share = units::per_cent(done_bytes, size_bytes);
            let total = ByteCount(size_bytes);
            format!("hashing  {share} % of {total}  {}", units::speed(speed.per_second()))
        });
        thread::sleep(POLL);
        content = patient.get(&doing, &content_path(&release.to_string(), ""))?;
    }
    meter.clear();
    if content.state != "complete" {
        let why = content.reason.unwrap_or_else(|| format!("it is {}", content.state));
        return Err(Failure::new(doing, why));
    }
    let id = content.content.clone().unwrap_or_default();
    output.event(&Event::Published {
        content: id.clone(),
        release: release.to_string(),
        size: content.size_bytes,
        chunks: content.chunks,
        files: content.files,
    })?;
    let (size, chunks) = (ByteCount(content.size_bytes), content.chunks);
    output.result(&format!("published  {release}  {id}  {size} in {chunks} chunks"))
}
