//! `samara node`: the daemon. A configuration becomes a running node; signals, logs and the service manager are
//! handled here, everything else in `samara-node`.

mod logs;
mod notify;
mod reload;
mod wishes;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use samara_node::config::{Config, Setting};
use samara_node::{Node, Notice};

use self::logs::Logs;
use self::notify::Manager;
use self::reload::Reloader;
use self::wishes::Wish;
use crate::config::wrong;
use crate::exit::Failure;
use crate::json::Event;
use crate::node_args;
use crate::output::{Output, OutputArgs};
use crate::units;

/// How often the service manager's watchdog is looked after, when it asks for nothing else.
const USUAL_PAUSE: Duration = Duration::from_secs(10);

/// Run a node until SIGTERM or Ctrl-C: it serves and fetches what it is asked for, and remembers it.
///
/// Every option sets a key of the configuration and wins over the file; without a file the defaults are used.
/// SIGHUP reads the configuration again, like `samara reload`. Logs go to stderr.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration; `samara config schema` lists its keys
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where identity, state and fetched contents live [node.data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// TCP and UDP address; port 0 picks a free one [node.listen]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where the node is administered: a path for the socket, or a loopback address in addition [admin.socket,
    /// admin.listen]
    #[arg(long, value_name = "PATH|ADDR")]
    admin: Option<String>,
    /// Any node of the cluster, HOST:PORT; may be repeated [node.join]
    #[arg(long, value_name = "ADDR")]
    join: Vec<String>,
    /// What to tell policies about this node, for example `rack=r12`; may be repeated [node.labels]
    #[arg(long, value_name = "KEY=VALUE", value_parser = units::name_and_value)]
    label: Vec<(String, String)>,
    /// Set any key, for example `limits.up="1 Gbit/s"`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = Setting::parse)]
    set: Vec<Setting>,
    /// Print the ready line as a JSON document
    #[arg(long)]
    pub json: bool,
    /// Stop when stdin is closed
    #[arg(long, hide = true)]
    stop_with_stdin: bool,
}

impl Args {
    /// What the options set.
    fn settings(&self) -> Vec<Setting> {
        let mut all = Vec::new();
        let texts =
            [("node.data", &self.data, "--data"), ("node.listen", &self.listen, "--listen")];
        for (key, value, option) in texts {
            all.extend(value.iter().map(|value| Setting::text(key, value, option)));
        }
        if let Some(admin) = &self.admin {
            let is_address = admin.parse::<std::net::SocketAddr>().is_ok();
            let key = if is_address { "admin.listen" } else { "admin.socket" };
            all.push(Setting::text(key, admin, "--admin"));
        }
        if !self.join.is_empty() {
            all.push(Setting::list("node.join", &self.join, "--join"));
        }
        let labels = self.label.iter();
        all.extend(
            labels
                .map(|(key, value)| Setting::text(&format!("node.labels.{key}"), value, "--label")),
        );
        all.extend(self.set.iter().cloned());
        all
    }
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, or the node cannot start.
pub fn run(args: &Args) -> Result<(), Failure> {
    let settings = args.settings();
    let file = args.config.clone();
    let config = Config::load(file.as_deref(), &settings).map_err(|error| wrong(&error))?;
    let logs = Logs::start(&config.log);
    raise_open_files();
    let wishes = wishes::listen(args.stop_with_stdin)?;
    let manager = Manager::from_environment();
    manager.tell("STATUS=starting");
    let node = Arc::new(node_args::start(config.node_config())?);
    log_notices(node.notices());
    let reloader = Arc::new(Reloader::new(file, settings, config, logs));
    let (inside, of) = (reloader.clone(), Arc::downgrade(&node));
    node.on_reload(move || {
        of.upgrade().map_or_else(|| Err("the node ends".into()), |node| inside.reload(&node))
    });
    ready(&node, args)?;
    manager.tell("READY=1\nSTATUS=ready");
    watch(&node, &wishes, &manager, &reloader);
    manager.tell("STOPPING=1\nSTATUS=saying goodbye");
    tracing::info!("stops: transfers are parked, and taken up again at the next start");
    // A reload that just runs holds it for a moment; then its end is that of the node.
    if let Some(node) = Arc::into_inner(node) {
        node.stop();
    }
    Ok(())
}

/// Until somebody wants it to stop.
fn watch(node: &Node, wishes: &Receiver<Wish>, manager: &Manager, reloader: &Reloader) {
    let pause = manager.watchdog().map_or(USUAL_PAUSE, |within| within / 2);
    loop {
        match wishes.recv_timeout(pause) {
            Ok(Wish::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Wish::Reload) => {
                manager.reloading();
                // What came of it is logged.
                let _ = reloader.reload(node);
                manager.tell("READY=1");
            }
            // A node whose actors do not answer is restarted by the service manager.
            Err(RecvTimeoutError::Timeout) if node.is_answering(pause) => {
                manager.tell("WATCHDOG=1")
            }
            Err(RecvTimeoutError::Timeout) => tracing::error!("the actors do not answer"),
        }
    }
}

fn ready(node: &Node, args: &Args) -> Result<(), Failure> {
    let output = Output::new(OutputArgs { json: args.json, quiet: false });
    let (listen, advertise, admin) = (node.local_addr(), node.advertised(), node.admin_socket());
    let admin = admin.display().to_string();
    tracing::info!(peer = %node.peer_id(), %listen, %advertise, admin, "ready");
    output.event(&Event::NodeReady {
        peer: node.peer_id().to_string(),
        listen,
        advertise,
        admin: admin.clone(),
    })?;
    output.result(&format!("ready  node {}  on {advertise}  admin {admin}", node.peer_id().short()))
}

fn log_notices(notices: Receiver<Notice>) {
    thread::spawn(move || {
        for notice in notices {
            tracing::warn!(kind = notice.kind(), "{notice}");
        }
    });
}

/// Every link and every file is a descriptor; the usual soft limit of 1,024 is from another time.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}
