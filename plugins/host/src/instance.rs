//! One running copy of a module.

use std::sync::Arc;
use std::time::Duration;

use samara_policy::{Answer, Description, Question};
use wasmtime::{ResourceLimiter, Store, Trap};

use crate::bindings::{Policy, PolicyPre};
use crate::describe;
use crate::fault::{Fault, Malformed};
use crate::host::Inner;
use crate::limits::Limits;
use crate::load_error::LoadError;
use crate::marshal;
use crate::ticker::TICK;

/// A linked component, ready to be started.
pub(crate) type Guest = PolicyPre<Budget>;

/// One running copy of a module, for one thread at a time. After a fault its memory is thrown away, and the
/// next call starts a fresh one: it can be asked again whatever happened.
pub struct Instance {
    host: Arc<Inner>,
    guest: Guest,
    live: Option<Live>,
    called: Called,
}

struct Live {
    store: Store<Budget>,
    policy: Policy,
}

/// Less than the limits allow a call, for an answer that somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// Fuel of the call.
    pub fuel: u64,
    /// Time of the call, as [`Limits::deadline`]; ignored where that is `None`.
    pub deadline: Duration,
}

/// What the last call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Called {
    /// Fuel that it used.
    pub fuel: u64,
    /// Bytes of memory that the instance had when it ended. It keeps them until a fault.
    pub memory_bytes: usize,
    /// Whether a fresh instance had to be started for it.
    pub fresh: bool,
}

impl Instance {
    pub(crate) fn new(host: Arc<Inner>, guest: Guest) -> Instance {
        Instance { host, guest, live: None, called: Called::default() }
    }

    /// Asks the question that fits the view.
    ///
    /// # Errors
    /// When the module does not answer in form and within its limits.
    pub fn answer(&mut self, question: &Question) -> Result<Answer, Fault> {
        let whole = Allowance::whole(&self.host.limits);
        self.call(whole, |live| marshal::ask(&live.policy, &mut live.store, question))
    }

    /// The same with less to use; `None` when that was not enough, which is no fault of the module: its
    /// memory is thrown away, and the question can be put again with all that the limits allow.
    ///
    /// # Errors
    /// When the module does not answer in form, or ends otherwise than by using up what it was given.
    pub fn answer_briefly(
        &mut self,
        question: &Question,
        brief: Brief,
    ) -> Result<Option<Answer>, Fault> {
        let limits = &self.host.limits;
        let allowed = Allowance {
            fuel: brief.fuel.min(limits.fuel),
            deadline: limits.deadline.map(|whole| brief.deadline.min(whole)),
        };
        let answer =
            self.call(allowed, |live| marshal::ask(&live.policy, &mut live.store, question));
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(Fault::Fuel(_) | Fault::Deadline(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// What the last call of [`Instance::answer`] cost, whether it succeeded or not.
    pub fn called(&self) -> Called {
        self.called
    }

    /// Throws the memory away, as happens after a fault: the next call starts afresh.
    pub fn renew(&mut self) {
        self.live = None;
    }

    /// Makes sure that there is memory to run in.
    pub(crate) fn start(&mut self) -> Result<(), Fault> {
        if self.live.is_none() {
            self.live = Some(self.started()?);
        }
        Ok(())
    }

    /// Asks the guest what it is, and checks what it says.
    pub(crate) fn describe(&mut self) -> Result<Description, LoadError> {
        let whole = Allowance::whole(&self.host.limits);
        let said = self.call(whole, |live| {
            Ok(live.policy.samara_policy_strategy().call_describe(&mut live.store)?)
        });
        describe::checked(said.map_err(LoadError::Describe)?).map_err(LoadError::Description)
    }

    fn started(&self) -> Result<Live, Fault> {
        let limits = &self.host.limits;
        let mut store = Store::new(&self.host.engine, Budget::new(limits));
        store.limiter(|budget| budget);
        store.set_hostcall_fuel(limits.result_bytes);
        refresh(&mut store, Allowance::whole(limits))?;
        let _ticking = self.host.ticker.as_ref().map(|ticker| ticker.run());
        let policy = self.guest.instantiate(&mut store);
        let policy = policy.map_err(|error| Fault::Start(format!("{error:#}")))?;
        Ok(Live { store, policy })
    }

    fn call<T>(
        &mut self,
        allowed: Allowance,
        call: impl FnOnce(&mut Live) -> Result<T, Failed>,
    ) -> Result<T, Fault> {
        self.called = Called { fresh: self.live.is_none(), ..Called::default() };
        self.start()?;
        let host = Arc::clone(&self.host);
        let Some(live) = &mut self.live else {
            return Err(Fault::Start("it has no memory".to_owned()));
        };
        refresh(&mut live.store, allowed)?;
        live.store.data_mut().refused = false;
        let result = {
            let _ticking = host.ticker.as_ref().map(|ticker| ticker.run());
            call(live)
        };
        let left = live.store.get_fuel().unwrap_or(0);
        self.called.fuel = allowed.fuel.saturating_sub(left);
        let Budget { refused, memory_bytes, .. } = *live.store.data();
        self.called.memory_bytes = memory_bytes;
        result.map_err(|failed| {
            self.live = None;
            fault(failed, refused, &host.limits)
        })
    }
}

/// What one call may use.
#[derive(Clone, Copy)]
struct Allowance {
    fuel: u64,
    deadline: Option<Duration>,
}

impl Allowance {
    fn whole(limits: &Limits) -> Allowance {
        Allowance { fuel: limits.fuel, deadline: limits.deadline }
    }
}

/// A store forgets its fuel and its deadline with every call, and has neither when it is new.
fn refresh(store: &mut Store<Budget>, allowed: Allowance) -> Result<(), Fault> {
    store.set_fuel(allowed.fuel).map_err(|error| Fault::Start(error.to_string()))?;
    if let Some(deadline) = allowed.deadline {
        // One more, because the present tick has partly passed.
        store.set_epoch_deadline(ticks(deadline) + 1);
    }
    Ok(())
}

fn ticks(deadline: Duration) -> u64 {
    deadline.as_micros().div_ceil(TICK.as_micros()).min(u128::from(u32::MAX)) as u64
}

/// How a call fails before it is known why.
pub(crate) enum Failed {
    Wasm(wasmtime::Error),
    Malformed(Malformed),
}

impl From<wasmtime::Error> for Failed {
    fn from(error: wasmtime::Error) -> Self {
        Failed::Wasm(error)
    }
}

impl From<Malformed> for Failed {
    fn from(malformed: Malformed) -> Self {
        Failed::Malformed(malformed)
    }
}

fn fault(failed: Failed, refused: bool, limits: &Limits) -> Fault {
    let error = match failed {
        Failed::Malformed(malformed) => return Fault::Malformed(malformed),
        Failed::Wasm(error) => error,
    };
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Fault::Fuel(limits.fuel),
        Some(Trap::Interrupt) => Fault::Deadline(limits.deadline.unwrap_or_default()),
        Some(Trap::StackOverflow) => Fault::Stack(limits.stack_bytes),
        // It was told that there is no more memory, and its allocator gave up.
        Some(_) if refused => Fault::Memory(limits.memory_bytes),
        Some(Trap::UnreachableCodeReached) => {
            Fault::Trap("it gave up by itself; in a Rust policy this is a panic".to_owned())
        }
        Some(Trap::MemoryOutOfBounds) => Fault::Trap(
            "it reached outside its memory; in a Rust policy its stack was too small".to_owned(),
        ),
        Some(trap) => Fault::Trap(trap.to_string()),
        // Not a trap: what it returned could not be read.
        None => unreadable(&error, limits),
    }
}

fn unreadable(error: &wasmtime::Error, limits: &Limits) -> Fault {
    let text = format!("{:#}", error.root_cause());
    // wasmtime's type for this is private; a test asserts that the text is still so.
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return Fault::TooBig(limits.result_bytes);
    }
    Fault::Malformed(Malformed::Unreadable(text))
}

/// Counts what a store allocates, and remembers a refusal, because the guest may die of it later.
pub(crate) struct Budget {
    limits: Limits,
    memory_bytes: usize,
    refused: bool,
}

impl Budget {
    fn new(limits: &Limits) -> Budget {
        Budget { limits: *limits, memory_bytes: 0, refused: false }
    }
}

impl ResourceLimiter for Budget {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.limits.memory_bytes;
        self.refused |= !granted;
        if granted {
            self.memory_bytes += desired.saturating_sub(current);
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= self.limits.table_elements)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}
