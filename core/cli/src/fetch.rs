//! `samara fetch`: through the node of this machine, or, with `--join`, as a full peer for the time of one fetch.

mod linger;
mod plan;
mod through_node;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use samara_model::ContentRef;
use samara_node::{FetchHandle, FetchRequest, Fetched, Node, NodeConfig, Notice};

use self::plan::{Plan, Target};
use self::watch::Watch;
use crate::admin::Admin;
use crate::exit::Failure;
use crate::json::Event;
use crate::node_args::{self, NodeArgs};
use crate::output::{Output, OutputArgs};
use crate::signals::Stop;
use crate::units::{self, Linger};

/// Fetch a content to a path, and pass it on to others meanwhile.
///
/// With --join this command is a full peer for the time of the fetch. Without, the node of this machine fetches,
/// goes on serving, and this command watches.
///
/// The output appears at once and complete: every chunk is verified, the rename comes last. After Ctrl-C or
/// a crash, repeating the same command goes on where it stopped: until the fetch is done, its state lies
/// beside the output in `.NAME.samara` (or in --data); afterwards it is removed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to fetch: a content id or NAME@VERSION; several with `-o FOLDER/`
    #[arg(required = true)]
    content: Vec<ContentRef>,
    /// The final file or folder. It must not exist, unless it already is this content. Through a node it may be
    /// left out: then the content goes into the node's data directory
    #[arg(long, short, value_name = "PATH")]
    output: Option<OsString>,
    /// How long to go on without anybody who has what is missing before giving up: a time or `forever`. In
    /// mid-transfer at least 15s
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = units::wait)]
    wait: Duration,
    /// How long to go on serving others when done: a time, `forever` or `none`
    #[arg(long, value_name = "TIME", default_value = "none", value_parser = units::linger)]
    linger: Linger,
    /// Where the node keeps its identity and resume state. By default beside the output
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A node that plays the tracker, HOST:PORT; may be repeated. By default the --join nodes are asked
    #[arg(long, value_name = "ADDR", value_parser = units::host_and_port)]
    tracker: Vec<String>,
    /// Where the node of this machine is administered, its socket or a loopback address
    #[arg(long, value_name = "PATH|ADDR", help_heading = "Through a node")]
    admin: Option<String>,
    /// Never evict the content from the node's data directory
    #[arg(long, help_heading = "Through a node")]
    pin: bool,
    /// Share of the node's slots beside other contents, 1 to 100
    #[arg(long, value_name = "N", help_heading = "Through a node")]
    priority: Option<u32>,
    #[command(flatten)]
    pub output_args: OutputArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Runs the command.
///
/// # Errors
/// When a content cannot be found or brought to its place, or when asked to stop before that.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let Some(admin) = through_a_node(args)? {
        return through_node::run(args, &admin);
    }
    let Some(destination) = &args.output else {
        return Err(Failure::usage("there is no place to put it").next("add `-o PATH`"));
    };
    let output = Output::new(args.output_args);
    let plan = Plan::new(&args.content, destination, args.data.as_deref())?;
    let stop = args.node.stop()?;
    let config = NodeConfig {
        trackers: node_args::resolve_all("--tracker", &args.tracker)?,
        ..args.node.config(plan.state().to_owned())?
    };
    plan.prepare()?;
    let node = match node_args::start(config) {
        Ok(node) => node,
        Err(failure) => {
            plan.clean_up_unless_kept(0);
            return Err(failure);
        }
    };
    let ended = Session { node: &node, plan: &plan, args, output: &output, stop: &stop }.run();
    node.stop();
    match ended {
        Ok(sent_bytes) => {
            plan.clean_up();
            if args.linger == Linger::None {
                return Ok(());
            }
            output.event(&Event::Stopped { sent_bytes })
        }
        Err(Unfinished { failure, kept }) => {
            plan.clean_up_unless_kept(kept);
            Err(failure)
        }
    }
}

/// The node that shall fetch, where this command is not to be a peer itself.
fn through_a_node(args: &Args) -> Result<Option<Admin>, Failure> {
    let alone = !args.node.join.is_empty() || !args.tracker.is_empty() || args.data.is_some();
    let asked = args.admin.is_some() || args.pin || args.priority.is_some();
    if alone {
        return if asked {
            Err(Failure::usage("--admin, --pin and --priority are for a fetch through a node")
                .next("leave out --join, --tracker and --data, or those"))
        } else {
            Ok(None)
        };
    }
    let admin = Admin::named(args.admin.as_deref());
    if args.admin.is_none() && !admin.is_there() {
        return Err(Failure::usage(format!("nobody to fetch from: no node runs on this machine at {admin}"))
            .next("name any node of the cluster with --join HOST:PORT, or start a node here with `samara node`"));
    }
    let own =
        args.node.listen.is_some() || args.node.policy.is_some() || args.linger != Linger::None;
    if own || args.node.limit_up.is_some() || args.node.limit_down.is_some() {
        return Err(Failure::usage(
            "the node of this machine fetches, with its own address, limits and policy",
        )
        .next(
            "leave out --listen, --policy, --limit-up, --limit-down and --linger, or add --join",
        ));
    }
    Ok(Some(admin))
}

/// Not everything is in its place.
struct Unfinished {
    failure: Failure,
    /// Verified bytes that a repeated command will find again.
    kept: u64,
}

/// A running node and what it is to fetch.
struct Session<'a> {
    node: &'a Node,
    plan: &'a Plan,
    args: &'a Args,
    output: &'a Output,
    stop: &'a Stop,
}

impl Session<'_> {
    /// Fetches everything, lingers, and returns the bytes that were sent.
    fn run(&self) -> Result<u64, Unfinished> {
        node_args::tell_metrics(self.node, self.output)
            .map_err(|failure| Unfinished { failure, kept: 0 })?;
        let notices = self.node.notices();
        let targets = self.plan.targets();
        let handles: Vec<FetchHandle> = targets.iter().map(|target| self.begin(target)).collect();
        let fetched = self.watch_all(targets, &handles, &notices)?;
        let lingering =
            linger::Lingering { node: self.node, fetched: &fetched, targets, output: self.output };
        lingering
            .run(self.args.linger, &notices, self.stop)
            .map_err(|failure| Unfinished { failure, kept: 0 })
    }

    fn begin(&self, target: &Target) -> FetchHandle {
        self.node.fetch(FetchRequest {
            content: target.content.clone(),
            output: target.output.clone(),
            wait: self.args.wait,
        })
    }

    /// Watches each fetch on its own thread and tells what the node has to say meanwhile.
    fn watch_all(
        &self,
        targets: &[Target],
        handles: &[FetchHandle],
        notices: &Receiver<Notice>,
    ) -> Result<Vec<Fetched>, Unfinished> {
        let results = thread::scope(|scope| {
            let pairs = targets.iter().zip(handles);
            let running: Vec<_> = pairs
                .map(|(target, handle)| {
                    let watch =
                        Watch::new(target, handle, self.plan.state(), self.output, self.stop);
                    scope.spawn(move || watch.until_done())
                })
                .collect();
            while running.iter().any(|thread| !thread.is_finished()) {
                // A closed stdout is noticed by the watching threads, too; they end the fetch.
                let _ = tell_next(notices, self.output);
            }
            running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        let results = results.into_iter().map(|joined| {
            joined.unwrap_or_else(|_| {
                Err(Failure::new("could not fetch", "a watching thread failed"))
            })
        });
        let kept = handles.iter().map(|handle| handle.progress().done.0).sum();
        all_or_last_failure(results, self.args.output_args.json)
            .map_err(|failure| Unfinished { failure, kept })
    }
}

/// Waits a moment for a notice and tells it.
fn tell_next(notices: &Receiver<Notice>, output: &Output) -> Result<Option<Notice>, Failure> {
    let notice = match notices.recv_timeout(watch::TICK) {
        Ok(notice) => notice,
        Err(RecvTimeoutError::Timeout) => return Ok(None),
        Err(RecvTimeoutError::Disconnected) => {
            // The node has nothing to say any more; whoever waits in a loop must not spin.
            thread::sleep(watch::TICK);
            return Ok(None);
        }
    };
    let (line, event) = node_args::tell(&notice);
    output.note(&line);
    output.event(&event)?;
    Ok(Some(notice))
}

/// All results, or the last failure after the others were reported.
fn all_or_last_failure(
    results: impl Iterator<Item = Result<Fetched, Failure>>,
    json: bool,
) -> Result<Vec<Fetched>, Failure> {
    let (mut fetched, mut failures) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(done) => fetched.push(done),
            Err(failure) => failures.push(failure),
        }
    }
    let Some(last) = failures.pop() else {
        return Ok(fetched);
    };
    failures.iter().for_each(|failure| failure.report(json));
    Err(last)
}
