//! The processes of a demo: started together, watched to the end, stopped whatever happens.

use std::ffi::OsString;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::child::{Child, Message, News, Who};
use super::commands;
use super::race::Race;
use super::settings::Settings;
use super::table::Table;
use super::workplace::Workplace;
use crate::exit::Failure;
use crate::json::Event;
use crate::output::Output;
use crate::signals::Stop;

/// Longest pause between two looks at the signals.
const TICK: Duration = Duration::from_millis(100);
/// When nobody gets a byte for so long, nobody will.
const STALLED: Duration = Duration::from_secs(60);
/// Time that processes get to say goodbye.
const FAREWELL: Duration = Duration::from_secs(3);

/// All processes. Dropping it stops them.
pub struct Swarm {
    origin: Child,
    peers: Vec<Child>,
    events: Receiver<Message>,
    race: Option<Race>,
    /// CPU time of an origin that was killed.
    origin_cpu: Option<f64>,
}

impl Swarm {
    /// Starts the origin, and when it is ready all peers at once.
    ///
    /// # Errors
    /// When a process cannot be started, or when asked to stop.
    pub fn start(
        settings: &Settings,
        workplace: &Workplace,
        output: &Output,
        stop: &Stop,
    ) -> Result<Swarm, Failure> {
        let (sender, events) = mpsc::channel();
        let source = workplace.source();
        let args = commands::origin(settings, workplace);
        let origin = start_child(Who::Origin, &args, workplace, &source, &sender)?;
        let mut swarm = Swarm { origin, peers: Vec::new(), events, race: None, origin_cpu: None };
        let (content, address) = swarm.await_ready(output, stop)?;
        workplace.create_folders(settings.peers)?;
        let mut race = Race::new(settings.peers);
        for index in 0..settings.peers as usize {
            let file = workplace.copy(index);
            let args = commands::peer(settings, workplace, &file, &content, &address);
            race.start = Instant::now();
            let peer = start_child(Who::Peer(index), &args, workplace, &file, &sender)?;
            swarm.peers.push(peer);
        }
        swarm.race = Some(race);
        Ok(swarm)
    }

    /// The id of the content and the address of the origin, as soon as it can be fetched from.
    fn await_ready(&mut self, output: &Output, stop: &Stop) -> Result<(String, String), Failure> {
        let mut meter = output.meter();
        let doing = "could not start the origin";
        loop {
            if stop.is_set() {
                return Err(interrupted());
            }
            let Ok(message) = self.events.recv_timeout(TICK) else { continue };
            match message.news {
                News::Said(Event::Ready { content, advertise, .. }) => {
                    meter.clear();
                    return Ok((content, advertise.to_string()));
                }
                News::Said(Event::Hashing { done_bytes, total_bytes }) => {
                    meter.show(done_bytes, total_bytes, || "the origin hashes it".to_owned());
                }
                News::Said(Event::Failed { error, .. }) => return Err(Failure::new(doing, error)),
                News::Ended => {
                    let why = self.origin.last_words().unwrap_or_else(|| "it ended".to_owned());
                    return Err(Failure::new(doing, why));
                }
                News::Said(_) => {}
            }
        }
    }

    /// Watches until every peer has finished or failed, or nothing moves any more.
    ///
    /// # Errors
    /// When asked to stop.
    pub fn watch(
        &mut self,
        settings: &Settings,
        output: &Output,
        stop: &Stop,
    ) -> Result<Race, Failure> {
        let mut race = self.race.take().unwrap_or_else(|| Race::new(0));
        let mut table = Table::new(output, settings);
        let mut last_gain = (Instant::now(), 0);
        while !race.is_over() {
            if stop.is_set() {
                return Err(interrupted());
            }
            if let Ok(message) = self.events.recv_timeout(TICK) {
                self.take(&mut race, message);
            }
            self.kill_origin_when_due(&mut race, settings);
            table.show(&race);
            if race.done_bytes() > last_gain.1 {
                last_gain = (Instant::now(), race.done_bytes());
            }
            if last_gain.0.elapsed() >= STALLED {
                give_up(&mut race);
            }
        }
        self.hear_the_last(&mut race);
        table.finish(&race);
        Ok(race)
    }

    fn take(&self, race: &mut Race, message: Message) {
        let who = message.who;
        let ended = matches!(message.news, News::Ended);
        race.take(message);
        // A process that died without an event has perhaps written why.
        if let (true, Who::Peer(index)) = (ended, who)
            && let (Some(runner), Some(child)) =
                (race.runners.get_mut(index), self.peers.get(index))
            && let (Some(trouble), Some(words)) = (&mut runner.trouble, child.last_words())
            && !words.contains(trouble.as_str())
        {
            *trouble = format!("{trouble}; its last words: {words}");
        }
    }

    fn kill_origin_when_due(&mut self, race: &mut Race, settings: &Settings) {
        let copies = race.origin_copies(settings);
        let due = settings.kill_origin_after.is_some_and(|limit| copies >= limit);
        if due && race.killed_at.is_none() {
            self.origin_cpu = self.origin.cpu_seconds();
            self.origin.kill();
            race.killed_at = Some(copies);
        }
    }

    /// The origin tells what it sent ten times a second: its last word may still be under way.
    fn hear_the_last(&mut self, race: &mut Race) {
        let end = Instant::now() + 2 * TICK;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            match self.events.recv_timeout(left) {
                Ok(message) => self.take(race, message),
                Err(_) => return,
            }
        }
    }

    /// CPU seconds of all processes so far; `None` where they cannot be known.
    pub fn cpu_seconds(&self) -> Option<f64> {
        let origin = self.origin_cpu.or_else(|| self.origin.cpu_seconds())?;
        self.peers.iter().try_fold(origin, |sum, peer| Some(sum + peer.cpu_seconds()?))
    }

    /// Asks all processes to stop, and kills those that do not.
    pub fn stop(&mut self) {
        let mut all: Vec<&mut Child> = self.peers.iter_mut().chain([&mut self.origin]).collect();
        all.iter_mut().for_each(|child| child.ask_to_stop());
        let end = Instant::now() + FAREWELL;
        while Instant::now() < end && !all.iter_mut().all(|child| child.has_ended()) {
            thread::sleep(Duration::from_millis(20));
        }
        all.iter_mut().for_each(|child| child.kill());
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start_child(
    who: Who,
    args: &[OsString],
    workplace: &Workplace,
    file: &Path,
    events: &Sender<Message>,
) -> Result<Child, Failure> {
    Child::start(who, args, workplace.log(file), events.clone())
        .map_err(|why| Failure::because(format!("could not start a process ({who:?})"), &why))
}

/// Ends the race for everybody who has not finished.
fn give_up(race: &mut Race) {
    for runner in race.runners.iter_mut().filter(|runner| !runner.is_over()) {
        let phase = &runner.progress.phase;
        let reason =
            runner.progress.reason.as_ref().map_or(String::new(), |why| format!(" ({why})"));
        let seconds = STALLED.as_secs();
        runner.trouble = Some(format!("nothing moved for {seconds} s; it was {phase}{reason}"));
    }
}

/// The user asked to stop.
pub fn interrupted() -> Failure {
    Failure::new("the demo was stopped", "it was asked to stop")
        .still("all its processes are gone, and so are its files unless --keep was given")
}
