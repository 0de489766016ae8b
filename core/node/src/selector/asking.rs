//! One question on its way: to the active policy, to the shadow beside it, or to the built-in one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use samara_engine::swarm::{Hook, SwarmInput};
use samara_model::ContentId;
use samara_policy::{Answer, Policy, Question};
use samara_policy_balanced::Balanced;
use samara_policy_host::{Called, Fault, Reply};

use super::agreement::agree;
use super::breaker::{Change, Verdict};
use super::desk::Current;
use super::loaded::Loaded;
use super::tailor::tailor;
use crate::api::Notice;
use crate::metrics::Role;
use crate::shared::Shared;
use crate::swarm_actor::SwarmMessage;
use crate::tracker_actor::TrackerMessage;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The swarm of this content.
    Swarm(ContentId),
    /// The tracker that this node plays.
    Tracker,
}

/// A question, and to whom the answer goes.
pub struct Asked {
    /// Who asks.
    pub asker: Asker,
    /// Echoed.
    pub token: u64,
    /// The question.
    pub question: Box<Question>,
    /// After this time nobody waits for the answer any more.
    pub deadline: Duration,
}

/// Where an answer goes, and who is compared with whom.
struct Way {
    shared: Arc<Shared>,
    asker: Asker,
    token: u64,
    hook: Hook,
    pair: Option<Arc<Pair>>,
}

/// Asks whoever is active, and the shadow: the built-in policy and a quick module here, everybody else on their
/// threads.
pub fn ask(shared: &Arc<Shared>, asked: Asked) {
    let Asked { asker, token, question, deadline } = asked;
    let current = shared.policies.current();
    let hook = Hook::of(&question);
    let expires = Instant::now() + deadline;
    let pair = ask_shadow(shared, &current, hook, &question, expires);
    let way = Way { shared: shared.clone(), asker, token, hook, pair };
    shared.metrics.policy_asked(hook);
    let active = &current.active;
    let reason = match &active.module {
        None => return answer_natively(way, active, &current, *question),
        Some(_) if current.quarantined => "quarantined",
        // A question of before a swap may be for a hook that the new policy does not want.
        Some(_) if !active.description.hooks.wants(hook) => "not-wanted",
        Some(_) => {
            // A statement of its own, so that the book is free again: the answer is noted in it.
            let verdict = active.book().breaker.verdict(shared.clock.now());
            match verdict {
                Verdict::Ask => return ask_module(way, &current, *question, (deadline, expires)),
                Verdict::BuiltIn => "left-alone",
            }
        }
    };
    active.book().stats.fell_back(hook, reason);
    shared.metrics.policy_fell_back(reason);
    answer_natively(way, shared.policies.built_in(), &current, *question);
}

fn answer_natively(way: Way, loaded: &Arc<Loaded>, current: &Current, mut question: Question) {
    let begun = Instant::now();
    tailor(&mut question, &current.facts.labels, &loaded.description, &loaded.parameters);
    let answer = Balanced.answer(&question);
    let took = begun.elapsed();
    loaded.book().stats.called(way.hook, took, Called::default());
    way.shared.metrics.policy_called(Role::Active, took, 0);
    way.answer(answer);
}

fn ask_module(
    way: Way,
    current: &Current,
    mut question: Question,
    (deadline, expires): (Duration, Instant),
) {
    let loaded = current.active.clone();
    let (Some(module), Some(threads)) = (&loaded.module, &current.threads) else { return };
    tailor(&mut question, &current.facts.labels, &loaded.description, &loaded.parameters);
    if let Some(reply) = loaded.answer_here(&question) {
        return take_reply(way, &loaded, reply, deadline);
    }
    let (asked, failed) = (loaded.clone(), (way.shared.clone(), way.asker, way.token, way.hook));
    let reply = move |reply: Reply| take_reply(way, &asked, reply, deadline);
    if threads.active.ask(module, Arc::new(question), Some(expires), reply).is_err() {
        let (shared, asker, token, hook) = failed;
        loaded.book().stats.fell_back(hook, "queue");
        shared.metrics.policy_fault("queue");
        tell(&shared, asker, token, None);
    }
}

/// Where the question was asked, or on a thread of the pool.
fn take_reply(way: Way, loaded: &Arc<Loaded>, reply: Reply, deadline: Duration) {
    let took = reply.waited + reply.took;
    loaded.took(&reply);
    way.shared.metrics.policy_called(Role::Active, took, reply.called.fuel);
    let change = {
        let mut book = loaded.book();
        book.stats.called(way.hook, took, reply.called);
        let fault = match &reply.answer {
            Err(fault) => Some((fault.label(), fault.to_string())),
            Ok(_) if took > deadline => Some(("late", format!("took {took:?} in all"))),
            Ok(_) => None,
        };
        match fault {
            None => book.breaker.succeeded(),
            Some((label, text)) => {
                book.stats.fell_back(way.hook, label);
                book.stats.last_fault = Some(text);
                way.shared.metrics.policy_fault(label);
                // That the threads were busy is the node's fault, or that of another question.
                let own = !matches!(reply.answer, Err(Fault::Queue));
                own.then(|| book.breaker.failed(way.shared.clock.now())).flatten()
            }
        }
    };
    if let Some(change) = change {
        tell_change(&way.shared, loaded, change);
    }
    match reply.answer {
        Ok(answer) => way.answer(answer),
        Err(_) => way.fail(),
    }
}

fn tell_change(shared: &Arc<Shared>, loaded: &Arc<Loaded>, change: Change) {
    let name = loaded.name();
    let fault = loaded.book().stats.last_fault.clone().unwrap_or_default();
    let (label, text) = match change {
        Change::Opened(pause) => {
            let text = format!(
                "the policy `{}` fails too often and is left alone for {} s; the built-in policy answers \
                 meanwhile. Its last fault: it {fault}",
                name.name,
                pause.as_secs_f32()
            );
            ("left_alone", text)
        }
        Change::Closed => ("trusted_again", format!("the policy `{}` is asked again", name.name)),
        Change::Quarantined => {
            if !shared.policies.quarantine(loaded) {
                return;
            }
            shared.tell_policy();
            let text = format!(
                "the policy `{}` of {} is not asked any more, because it went on failing; the built-in \
                 policy answers in its place. Its last fault: it {fault}. Go back with `samara policy \
                 rollback`, or activate a corrected one",
                name.name, name.file
            );
            ("quarantined", text)
        }
    };
    match change {
        Change::Closed => tracing::info!("{text}"),
        Change::Opened(_) => tracing::warn!("{text}"),
        Change::Quarantined => tracing::error!("{text}"),
    }
    shared.metrics.policy_changed(label);
    shared.notify(Notice::Policy(text));
}

impl Way {
    fn answer(self, answer: Answer) {
        let Way { shared, asker, token, hook, pair } = self;
        if let Some(pair) = pair {
            pair.put(&shared, hook, |sides| sides.active = Side::Answered(answer.clone()));
        }
        tell(&shared, asker, token, Some(answer));
    }

    fn fail(self) {
        let Way { shared, asker, token, hook, pair } = self;
        if let Some(pair) = pair {
            pair.put(&shared, hook, |sides| sides.active = Side::Failed);
        }
        tell(&shared, asker, token, None);
    }
}

/// A full mailbox loses the answer; whoever asked notices that it is late.
fn tell(shared: &Shared, asker: Asker, token: u64, answer: Option<Answer>) {
    let content = match asker {
        Asker::Tracker => {
            shared.tracker.tell(TrackerMessage::PolicyAnswered { token, answer });
            return;
        }
        Asker::Swarm(content) => content,
    };
    let input = match answer {
        Some(answer) => SwarmInput::PolicyAnswered { token, answer },
        None => SwarmInput::PolicyFailed { token },
    };
    if let Some(swarm) = shared.swarm(&content) {
        swarm.tell(SwarmMessage::Input(input));
    }
}

/// The answers of the active policy and of the shadow to one question, whichever comes first.
struct Pair {
    shadow: Arc<Loaded>,
    sides: Mutex<Sides>,
}

#[derive(Default)]
struct Sides {
    active: Side,
    shadow: Side,
}

#[derive(Default)]
enum Side {
    #[default]
    Waiting,
    Answered(Answer),
    Failed,
}

impl Pair {
    fn put(&self, shared: &Shared, hook: Hook, put: impl FnOnce(&mut Sides)) {
        let mut sides = self.sides.lock().unwrap_or_else(PoisonError::into_inner);
        put(&mut sides);
        let Sides { active: Side::Answered(active), shadow: Side::Answered(shadow) } = &*sides
        else {
            return;
        };
        let same = agree(active, shadow);
        let mut book = self.shadow.book();
        let stats = book.stats.hook(hook);
        if same {
            stats.same += 1
        } else {
            stats.differs += 1
        }
        shared.metrics.policy_shadow(if same { "same" } else { "differs" });
    }
}

/// Puts the question to the shadow, too. Whether it can answer is its own matter.
fn ask_shadow(
    shared: &Arc<Shared>,
    current: &Current,
    hook: Hook,
    question: &Question,
    expires: Instant,
) -> Option<Arc<Pair>> {
    let shadow = current.shadow.as_ref().filter(|shadow| shadow.description.hooks.wants(hook))?;
    let mut question = question.clone();
    tailor(&mut question, &current.facts.labels, &shadow.description, &shadow.parameters);
    let pair = Arc::new(Pair { shadow: shadow.clone(), sides: Mutex::default() });
    let Some(module) = &shadow.module else {
        let begun = Instant::now();
        let answer = Balanced.answer(&question);
        let took = begun.elapsed();
        shadow.book().stats.called(hook, took, Called::default());
        shared.metrics.policy_called(Role::Shadow, took, 0);
        pair.put(shared, hook, |sides| sides.shadow = Side::Answered(answer));
        return Some(pair);
    };
    let threads = current.threads.as_ref()?;
    let (answered, metrics) = (pair.clone(), shared.clone());
    let reply = move |reply: Reply| take_shadow_reply(&metrics, &answered, hook, reply);
    // It may take as long again as the active one: nobody waits for it.
    let expires = expires + Duration::from_millis(100);
    if threads.shadow.ask(module, Arc::new(question), Some(expires), reply).is_err() {
        shadow.book().stats.hook(hook).skipped += 1;
        shared.metrics.policy_shadow("skipped");
        return None;
    }
    Some(pair)
}

/// On a thread of the shadow's pool.
fn take_shadow_reply(shared: &Shared, pair: &Pair, hook: Hook, reply: Reply) {
    {
        let mut book = pair.shadow.book();
        if matches!(reply.answer, Err(Fault::Queue)) {
            book.stats.hook(hook).skipped += 1;
            shared.metrics.policy_shadow("skipped");
            return;
        }
        let took = reply.waited + reply.took;
        book.stats.called(hook, took, reply.called);
        shared.metrics.policy_called(Role::Shadow, took, reply.called.fuel);
        if let Err(fault) = &reply.answer {
            book.stats.fell_back(hook, fault.label());
            book.stats.last_fault = Some(fault.to_string());
            shared.metrics.policy_shadow("fault");
        }
    }
    pair.put(shared, hook, |sides| {
        sides.shadow = reply.answer.map_or(Side::Failed, Side::Answered);
    });
}
