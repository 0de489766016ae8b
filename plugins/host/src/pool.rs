//! Threads that ask modules, so that nobody else has to wait for one.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use samara_policy::{Answer, Question};

use crate::fault::Fault;
use crate::instance::{Called, Instance};
use crate::module::Module;

/// Instances that a thread keeps warm: the active module, the one before, and two that are being tried.
const WARM: usize = 4;

/// Size of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// Threads. A call holds one for at most the deadline. Default 1: a question of 64 peers takes 30 us.
    pub threads: NonZeroUsize,
    /// Questions that may wait. Default 256.
    pub queue: NonZeroUsize,
    /// Stack of each thread; at least [`crate::Limits::thread_stack`] of every module that is asked.
    /// Default 2 MiB.
    pub stack_bytes: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        PoolConfig {
            threads: NonZeroUsize::MIN,
            queue: NonZeroUsize::MIN.saturating_add(255),
            stack_bytes: 2 << 20,
        }
    }
}

/// Threads with warm instances and a bounded queue. Dropping it waits for the calls that run (at most one
/// deadline); questions that still wait are dropped with their `reply`.
pub struct Pool {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The answer, or why there is none.
    pub answer: Result<Answer, Fault>,
    /// Time until a thread took it up.
    pub waited: Duration,
    /// Time of the call, with copying in and out.
    pub took: Duration,
    /// What the call cost.
    pub called: Called,
}

/// The question was not taken: as many wait as may, or its module needs more stack than the threads have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the policy threads have no room for another question")]
pub struct QueueFull;

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    limit: usize,
    stack_bytes: usize,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    module: Module,
    question: Arc<Question>,
    asked: Instant,
    expires: Option<Instant>,
    reply: Box<dyn FnOnce(Reply) + Send>,
}

impl Pool {
    /// Starts the threads, named `NAME-0`, `NAME-1`, ...
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(name: &str, config: PoolConfig) -> io::Result<Pool> {
        let queue = Arc::new(Queue {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            limit: config.queue.get(),
            stack_bytes: config.stack_bytes,
        });
        let mut pool = Pool { queue, threads: Vec::new() };
        for number in 0..config.threads.get() {
            let queue = Arc::clone(&pool.queue);
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            let thread = thread.stack_size(config.stack_bytes).spawn(move || work(&queue))?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Puts a question to a module and returns at once. `reply` is called once, on a thread of the pool: it
    /// must not block. A question that nobody has taken up by `expires` is answered with [`Fault::Queue`].
    ///
    /// # Errors
    /// When the queue is full or closed; `reply` is dropped then.
    pub fn ask(
        &self,
        module: &Module,
        question: Arc<Question>,
        expires: Option<Instant>,
        reply: impl FnOnce(Reply) + Send + 'static,
    ) -> Result<(), QueueFull> {
        if module.limits().thread_stack() > self.queue.stack_bytes {
            return Err(QueueFull);
        }
        let (module, asked) = (module.clone(), Instant::now());
        let job = Job { module, question, asked, expires, reply: Box::new(reply) };
        let mut waiting = self.queue.lock();
        if waiting.jobs.len() >= self.queue.limit {
            return Err(QueueFull);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.queue.changed.notify_one();
        Ok(())
    }

    /// Questions that wait for a thread.
    pub fn waiting(&self) -> usize {
        self.queue.lock().jobs.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let dropped = {
            let mut waiting = self.queue.lock();
            waiting.closed = true;
            std::mem::take(&mut waiting.jobs)
        };
        self.queue.changed.notify_all();
        drop(dropped);
        let here = thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != here) {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads.len()).finish_non_exhaustive()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, or `None` when the pool is dropped.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn work(queue: &Queue) {
    let mut warm = Warm::default();
    while let Some(job) = queue.next() {
        // A reply that panics is its caller's error and must not take the thread along.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| answer(job, &mut warm)));
    }
}

fn answer(job: Job, warm: &mut Warm) {
    let begun = Instant::now();
    let waited = begun.duration_since(job.asked);
    if job.expires.is_some_and(|expires| begun > expires) {
        let answer = Err(Fault::Queue);
        return (job.reply)(Reply {
            answer,
            waited,
            took: Duration::ZERO,
            called: Called::default(),
        });
    }
    let instance = warm.instance(&job.module);
    let answer = instance.answer(&job.question);
    let called = instance.called();
    (job.reply)(Reply { answer, waited, took: begun.elapsed(), called });
}

/// Instances of one thread, the last used in front.
#[derive(Default)]
struct Warm(Vec<(Module, Instance)>);

impl Warm {
    fn instance(&mut self, module: &Module) -> &mut Instance {
        let at = self.0.iter().position(|(kept, _)| kept.same(module));
        match at {
            Some(at) => self.0[..=at].rotate_right(1),
            None => {
                self.0.insert(0, (module.clone(), module.instance()));
                self.0.truncate(WARM);
            }
        }
        &mut self.0[0].1
    }
}
