//! The pool: asked from elsewhere, bounded, and not to be stopped.

mod support;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use samara_policy::Hook;
use samara_policy::testing::scenario;
use samara_policy::{Policy, Question};
use samara_policy_balanced::Balanced;
use samara_policy_host::{Fault, Host, Limits, Module, Pool, PoolConfig, QueueFull};

const PATIENCE: Duration = Duration::from_secs(60);

fn pool(queue: usize) -> Pool {
    let queue = NonZeroUsize::new(queue).expect("not zero");
    Pool::new("policy-test", PoolConfig { queue, ..PoolConfig::default() }).expect("threads")
}

fn looping(deadline_ms: u64) -> Module {
    let deadline = Some(Duration::from_millis(deadline_ms));
    let limits = Limits { deadline, fuel: u64::MAX / 2, ..Limits::default() };
    Host::new(limits).expect("a host").load(&support::misbehaving("endless-loop")).expect("loads")
}

fn balanced() -> Module {
    let host = Host::new(Limits::for_simulation()).expect("a host");
    host.load(&support::built("policies/balanced")).expect("a policy")
}

fn question() -> Arc<Question> {
    Arc::new(scenario(Hook::Offers, 16, 100, 1))
}

#[test]
fn a_module_is_asked_on_the_pools_thread() {
    let (pool, module, question) = (pool(8), balanced(), question());
    let (tell, told) = mpsc::channel();
    let reply = move |reply| {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        let _ = tell.send((reply, thread));
    };
    pool.ask(&module, Arc::clone(&question), None, reply).expect("room");
    let (reply, thread): (samara_policy_host::Reply, _) =
        told.recv_timeout(PATIENCE).expect("a reply");
    assert_eq!(reply.answer, Ok(Balanced.answer(&question)));
    assert!(reply.called.fuel > 0 && reply.took > Duration::ZERO);
    assert!(reply.called.memory_bytes >= 64 << 10, "a page at least: {:?}", reply.called);
    assert_eq!(thread, "policy-test-0");
}

#[test]
fn a_loop_holds_up_the_others_for_its_deadline_and_no_longer() {
    let (pool, bad, good, question) = (pool(8), looping(20), balanced(), question());
    let (tell, told) = mpsc::channel();
    for module in [&bad, &good, &bad, &good] {
        let tell = tell.clone();
        let reply = move |reply: samara_policy_host::Reply| drop(tell.send(reply.answer));
        pool.ask(module, Arc::clone(&question), None, reply).expect("room");
    }
    let answers: Vec<_> = (0..4).map(|_| told.recv_timeout(PATIENCE).expect("a reply")).collect();
    let deadline = Err(Fault::Deadline(Duration::from_millis(20)));
    let answer = Ok(Balanced.answer(&question));
    assert_eq!(answers, [deadline.clone(), answer.clone(), deadline, answer]);
}

#[test]
fn a_full_queue_says_so_and_an_old_question_is_not_asked() {
    let (pool, bad, question) = (pool(2), looping(200), question());
    let (tell, told) = mpsc::channel();
    let ask = |expires| {
        let tell = tell.clone();
        let reply = move |reply: samara_policy_host::Reply| drop(tell.send(reply.answer));
        pool.ask(&bad, Arc::clone(&question), expires, reply)
    };
    ask(None).expect("room");
    while pool.waiting() > 0 {
        std::thread::yield_now();
    }
    let at_once = Some(Instant::now());
    ask(at_once).expect("room");
    ask(at_once).expect("room");
    assert_eq!(ask(at_once), Err(QueueFull));
    let deadline = Err(Fault::Deadline(Duration::from_millis(200)));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(deadline));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Err(Fault::Queue)));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Err(Fault::Queue)));
}

#[test]
fn dropping_the_pool_ends_what_runs_and_forgets_what_waits() {
    let (pool, bad, question) = (pool(8), looping(50), question());
    let (tell, told) = mpsc::channel();
    for _ in 0..3 {
        let tell = tell.clone();
        let reply = move |reply: samara_policy_host::Reply| drop(tell.send(reply.answer));
        pool.ask(&bad, Arc::clone(&question), None, reply).expect("room");
    }
    drop((tell, pool));
    // Nobody holds a sender any more: no thread is left.
    assert!(told.iter().count() <= 3);
}

#[test]
#[allow(clippy::panic, reason = "this is the fault that is injected")]
fn a_reply_that_panics_does_not_take_the_thread_along() {
    let (pool, module, question) = (pool(8), balanced(), question());
    pool.ask(&module, Arc::clone(&question), None, |_| panic!("injected")).expect("room");
    let (tell, told) = mpsc::channel();
    let reply = move |reply: samara_policy_host::Reply| drop(tell.send(reply.answer));
    pool.ask(&module, Arc::clone(&question), None, reply).expect("room");
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Ok(Balanced.answer(&question))));
}

#[test]
fn a_module_that_needs_more_stack_than_the_threads_have_is_not_asked() {
    let limits = Limits { stack_bytes: 4 << 20, ..Limits::for_simulation() };
    let host = Host::new(limits).expect("a host");
    let module = host.load(&support::misbehaving("always-empty")).expect("a policy");
    assert_eq!(pool(8).ask(&module, question(), None, |_| ()), Err(QueueFull));
}
