//! The time before `serve` is ready: the source is read and hashed, with progress.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use samara_model::ByteCount;
use samara_node::{HashProgress, Node, PublishError, PublishRequest, Published};

use super::TICK;
use crate::exit::Failure;
use crate::json::Event;
use crate::meter::Speed;
use crate::output::Output;
use crate::signals::Stop;
use crate::units;

/// Publishes on a thread of its own, so that Ctrl-C works while it hashes. `None`: asked to stop.
///
/// # Errors
/// When the source cannot be read or the release is refused.
pub fn publish(
    node: &Arc<Node>,
    request: PublishRequest,
    output: &Output,
    stop: &Stop,
) -> Result<Option<Published>, Failure> {
    let doing = format!("could not publish {} as {}", request.path.display(), request.release);
    let hashed = Arc::new(Mutex::new(HashProgress::default()));
    let result = publish_on_thread(node.clone(), request, hashed.clone());
    let mut meter = output.meter();
    let mut speed = Speed::default();
    let result = loop {
        match result.recv_timeout(TICK) {
            Ok(result) => break result,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(doing, "the hashing thread failed"));
            }
            Err(RecvTimeoutError::Timeout) if stop.is_set() => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let HashProgress { done, total } = *hashed.lock().unwrap_or_else(|gone| gone.into_inner());
        speed.record(Instant::now(), done.0);
        output.event(&Event::Hashing { done_bytes: done.0, total_bytes: total.0 })?;
        meter.show(done.0, total.0, || hashing_line(done, total, &speed));
    };
    meter.clear();
    result.map(Some).map_err(|error| Failure::because(doing, &error))
}

fn publish_on_thread(
    node: Arc<Node>,
    request: PublishRequest,
    hashed: Arc<Mutex<HashProgress>>,
) -> Receiver<Result<Published, PublishError>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let result = node.publish(request, move |now| {
            *hashed.lock().unwrap_or_else(|gone| gone.into_inner()) = now;
        });
        // The command takes the node apart once it has the result: let go of it before.
        drop(node);
        let _ = sender.send(result);
    });
    receiver
}

fn hashing_line(done: ByteCount, total: ByteCount, speed: &Speed) -> String {
    let share = units::per_cent(done.0, total.0);
    format!("hashing  {share} % of {total}  {}", units::speed(speed.per_second()))
}
