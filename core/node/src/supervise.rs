//! Keeps an actor alive, and a way to reach whichever incarnation of it lives.
//!
//! A panic in an actix handler kills the actor for good: its address stays closed, and `actix::Supervisor`
//! does not bring it back. So every actor holds an [`Alive`] guard; when it drops, the supervisor waits a
//! little, makes a new one from its factory, counts, and tells. What the dead one knew is gone; the new one
//! rebuilds it from the store and the connections.
//!
//! Mailboxes are bounded, and nobody uses `do_send`, which ignores the bound.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, dev::ToEnvelope};
use tokio::sync::oneshot;

use crate::api::{ActorName, Notice};
use crate::metrics::{Counter, Metrics};
use crate::shared::Shared;

/// Messages that may wait for one actor. Senders from the data plane wait when it is full.
pub const MAILBOX: usize = 1024;

/// An actor that lives this long is healthy again: its next restart comes soon.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
const FIRST_BACKOFF: Duration = Duration::from_millis(10);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// Dropped together with its actor.
#[derive(Debug)]
pub struct Alive(#[allow(dead_code, reason = "only its drop matters")] oneshot::Sender<()>);

/// A message on its way through a mailbox; counted while it waits.
pub struct Told<M> {
    message: M,
    _depth: Depth,
}

impl<M: Send + 'static> Message for Told<M> {
    type Result = ();
}

impl<M> Told<M> {
    /// What was said. The actor works on it until the guard is dropped.
    pub fn open<'a>(self, metrics: &'a Metrics) -> (M, Working<'a>) {
        (self.message, Working { metrics, since: Instant::now() })
    }
}

/// Measures how long a message takes.
pub struct Working<'a> {
    metrics: &'a Metrics,
    since: Instant,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.metrics.message_handled(self.since.elapsed());
    }
}

/// How many messages wait, and how many waited at most.
#[derive(Default)]
pub struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    /// Counts what is not taken, as soon as the actor is supervised.
    dropped: OnceLock<Counter>,
}

impl Gauge {
    /// Messages that wait.
    pub fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    fn dropped(&self) {
        if let Some(dropped) = self.dropped.get() {
            dropped.add(1);
        }
    }

    /// Most messages that ever waited at a time.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

struct Depth(Arc<Gauge>);

impl Drop for Depth {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reaches the living incarnation of an actor.
pub struct ActorRef<A: Actor> {
    address: Arc<RwLock<Option<Addr<A>>>>,
    gauge: Arc<Gauge>,
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        ActorRef { address: self.address.clone(), gauge: self.gauge.clone() }
    }
}

impl<A: Actor> Default for ActorRef<A> {
    fn default() -> Self {
        ActorRef { address: Arc::default(), gauge: Arc::default() }
    }
}

impl<A: Actor<Context = Context<A>>> ActorRef<A> {
    /// Puts a message into the mailbox without waiting; false when the actor is down or its mailbox full.
    /// For senders that can do without, or that the size of a window bounds.
    pub fn tell<M>(&self, message: M) -> bool
    where
        M: Send + 'static,
        A: Handler<Told<M>>,
        A::Context: ToEnvelope<A, Told<M>>,
    {
        let taken =
            self.address().is_some_and(|address| address.try_send(self.wrap(message)).is_ok());
        if !taken {
            self.gauge.dropped();
        }
        taken
    }

    /// Puts a message into the mailbox, and waits while it is full. For the data plane: who waits does not
    /// read from its socket. The message is lost when the actor is down.
    pub async fn deliver<M>(&self, message: M)
    where
        M: Send + 'static,
        A: Handler<Told<M>>,
        A::Context: ToEnvelope<A, Told<M>>,
    {
        use actix::dev::SendError;
        let Some(address) = self.address() else { return self.gauge.dropped() };
        match address.try_send(self.wrap(message)) {
            Ok(()) => {}
            // The actor may die meanwhile; its next incarnation finds out by itself what it missed.
            Err(SendError::Full(message)) => {
                if address.send(message).await.is_err() {
                    self.gauge.dropped();
                }
            }
            Err(SendError::Closed(_)) => self.gauge.dropped(),
        }
    }

    /// The mailbox's figures.
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }

    /// The actor dies with its last address; nobody restarts it after [`Shared::is_stopping`].
    pub fn clear(&self) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn address(&self) -> Option<Addr<A>> {
        self.address.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, address: Addr<A>) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    fn wrap<M>(&self, message: M) -> Told<M> {
        let now = self.gauge.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.gauge.most.fetch_max(now, Ordering::Relaxed);
        Told { message, _depth: Depth(self.gauge.clone()) }
    }
}

/// Starts an actor and keeps one alive until the node stops or `wanted` says no. Runs on the actors'
/// system; `make` builds an incarnation, and is told whether it is the first.
pub fn supervise<A, F>(
    name: ActorName,
    shared: Arc<Shared>,
    reference: ActorRef<A>,
    wanted: impl Fn() -> bool + 'static,
    make: F,
) where
    A: Actor<Context = Context<A>>,
    F: Fn(Alive, bool) -> A + 'static,
{
    let _ = reference.gauge.dropped.set(shared.metrics.dropped_by(name));
    let mut ended = launch(&reference, &make, true);
    actix::spawn(async move {
        let mut backoff = FIRST_BACKOFF;
        loop {
            let born = Instant::now();
            let _ = ended.await;
            reference.clear();
            if shared.is_stopping() || !wanted() {
                return;
            }
            if born.elapsed() > HEALTHY_AFTER {
                backoff = FIRST_BACKOFF;
            }
            shared.metrics.actor_restarted(name);
            shared.notify(Notice::ActorRestarted { actor: name });
            tracing::error!(actor = ?name, ?backoff, "an actor panicked; it is restarted");
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            ended = launch(&reference, &make, false);
        }
    });
}

fn launch<A, F>(reference: &ActorRef<A>, make: &F, first: bool) -> oneshot::Receiver<()>
where
    A: Actor<Context = Context<A>>,
    F: Fn(Alive, bool) -> A,
{
    let (alive, ended) = oneshot::channel();
    let actor = make(Alive(alive), first);
    let address = A::create(|ctx| {
        ctx.set_mailbox_capacity(MAILBOX);
        let _ = ctx.address();
        actor
    });
    reference.set(address);
    ended
}
