//! The clock of deadlines: a thread that moves wasmtime's epoch on every few milliseconds while calls run.
//!
//! Idle, it sleeps until a call wakes it. Should it ever die, the next call starts another one; until then
//! fuel still ends every call.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use wasmtime::Engine;

/// Time between two ticks. A fifth of the usual deadline: at 1 ms, sixteen nodes on one small machine spent a
/// fifth of their processor time on ticking, at 5 ms a twenty-fifth.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Ticks without a running call after which it sleeps; waking it costs the next call a few microseconds.
const IDLE_TICKS: u32 = 10;

pub(crate) struct Ticker {
    engine: Engine,
    state: Arc<State>,
    thread: Mutex<Option<JoinHandle<()>>>,
    restarts: AtomicU64,
}

#[derive(Default)]
struct State {
    running: AtomicUsize,
    asleep: AtomicBool,
    stop: AtomicBool,
    dead: AtomicBool,
}

/// A call runs while this lives.
pub(crate) struct Running<'a>(&'a State);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Ticker> {
        let ticker = Ticker {
            engine: engine.clone(),
            state: Arc::default(),
            thread: Mutex::new(None),
            restarts: AtomicU64::new(0),
        };
        *ticker.thread() = Some(ticker.spawn()?);
        Ok(ticker)
    }

    /// Ticks until the guard is dropped.
    pub(crate) fn run(&self) -> Running<'_> {
        // With the order in `tick`, either this sees `asleep` or the thread sees `running`.
        self.state.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(&self.state);
        if self.state.dead.load(Ordering::SeqCst) {
            self.revive();
        } else if self.state.asleep.load(Ordering::SeqCst)
            && let Some(thread) = &*self.thread()
        {
            thread.thread().unpark();
        }
        running
    }

    /// How often the thread had to be started again.
    pub(crate) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    fn revive(&self) {
        let mut thread = self.thread();
        if !self.state.dead.swap(false, Ordering::SeqCst) {
            return; // Another call was faster.
        }
        self.restarts.fetch_add(1, Ordering::Relaxed);
        match self.spawn() {
            Ok(new) => *thread = Some(new),
            Err(_) => self.state.dead.store(true, Ordering::SeqCst), // The next call tries again.
        }
    }

    fn spawn(&self) -> io::Result<JoinHandle<()>> {
        let (engine, state) = (self.engine.clone(), Arc::clone(&self.state));
        thread::Builder::new().name("policy-ticker".to_owned()).spawn(move || {
            let _told = TellDeath(&state);
            tick(&engine, &state);
        })
    }

    fn thread(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread().take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

struct TellDeath<'a>(&'a State);

impl Drop for TellDeath<'_> {
    fn drop(&mut self) {
        self.0.dead.store(true, Ordering::SeqCst);
    }
}

fn tick(engine: &Engine, state: &State) {
    let mut idle = 0;
    while !state.stop.load(Ordering::SeqCst) {
        thread::park_timeout(TICK);
        engine.increment_epoch();
        idle = if state.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle >= IDLE_TICKS {
            state.asleep.store(true, Ordering::SeqCst);
            if state.running.load(Ordering::SeqCst) == 0 && !state.stop.load(Ordering::SeqCst) {
                thread::park();
            }
            state.asleep.store(false, Ordering::SeqCst);
            idle = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_ticker_is_noticed_by_the_next_call_and_replaced() {
        let ticker = Ticker::start(&Engine::default()).expect("a thread");
        ticker.state.stop.store(true, Ordering::SeqCst);
        let dead = ticker.thread().take().expect("it runs");
        dead.thread().unpark();
        dead.join().expect("it ends");
        ticker.state.stop.store(false, Ordering::SeqCst);
        assert_eq!(ticker.restarts(), 0);
        drop(ticker.run());
        assert_eq!(ticker.restarts(), 1);
        assert!(!ticker.state.dead.load(Ordering::SeqCst));
        assert!(ticker.thread().is_some());
    }

    #[test]
    fn dropping_a_sleeping_ticker_ends_its_thread() {
        let ticker = Ticker::start(&Engine::default()).expect("a thread");
        let state = Arc::clone(&ticker.state);
        while !state.asleep.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        drop(ticker);
        assert!(state.dead.load(Ordering::SeqCst));
    }
}
