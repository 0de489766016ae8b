//! What a swarm has done so far, in counts: the first thing to look at when a transfer is slow or costs too
//! much.

/// Counts since the machine was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SwarmStats {
    /// Inputs handled.
    pub inputs: u64,
    /// Timers that fired and were not superseded.
    pub timers: u64,
    /// Questions to a policy.
    pub questions: u64,
    /// Offers sent.
    pub offers: u64,
    /// Chunks that began to be sent, asked for or not.
    pub served: u64,
    /// Own offers that were declined because the receiver had no slot.
    pub declined_busy: u64,
    /// Own offers that were declined because everything was there or on its way.
    pub declined_have: u64,
    /// Offers and reservations that expired.
    pub expired: u64,
    /// Batches of news sent.
    pub news: u64,
    /// Requests sent because slots stayed empty, or for a second copy.
    pub requests: u64,
}
