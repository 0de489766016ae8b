//! What the engine knows of the active policy, and what became of its decisions.

use alloc::string::String;
use alloc::vec::Vec;

use samara_policy::{Description, Hook, Hooks, WindowOrder, column};

/// Most different reason codes that are counted per hook; decisions with others are counted together.
const MAX_REASONS: usize = 16;

/// The description of the active policy, as far as the engine must honour it. The default is the built-in
/// one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFacts {
    /// Which hooks are asked.
    ///
    /// Without `offers` but with `requests` the content is pulled: this node asks whenever a download slot
    /// is free, and pushes nothing, also not in an origin's first pass. Without `neighbours` the built-in
    /// policy makes the connections, as nothing moves without any.
    pub hooks: Hooks,
    /// Which chunks are shown first.
    pub window: WindowOrder,
    /// Labels whose numbers are shown, in this order.
    pub labels: Vec<String>,
    /// Whether it is shown the sites of the neighbours.
    pub sites: bool,
    /// Values of its parameters, in the order of its description.
    pub parameters: Vec<u64>,
    /// Counts up with each change of the policy or its parameters.
    pub generation: u64,
    /// Whether a tracker asks it whom to hand out. The built-in one would choose as the registry does.
    pub at_tracker: bool,
}

impl Default for PolicyFacts {
    fn default() -> Self {
        PolicyFacts {
            hooks: Hooks::ALL,
            window: WindowOrder::Rarest,
            labels: Vec::new(),
            sites: false,
            parameters: Vec::new(),
            generation: 0,
            at_tracker: false,
        }
    }
}

/// Name of the policy that is part of every node.
const BUILT_IN: &str = "balanced";

impl PolicyFacts {
    /// Those of a policy with this description and these values of its parameters.
    pub fn of(description: &Description, parameters: Vec<u64>, generation: u64) -> PolicyFacts {
        PolicyFacts {
            hooks: description.hooks,
            window: description.window,
            labels: description.labels.clone(),
            sites: description.columns.contains(&column::SITES),
            parameters,
            generation,
            at_tracker: description.hooks.neighbours && description.name != BUILT_IN,
        }
    }

    /// Whether this node asks for chunks instead of waiting for offers.
    pub(super) fn pulls(&self) -> bool {
        self.hooks.requests && !self.hooks.offers
    }
}

/// Why a decision of a policy was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// The whole answer is for another hook than was asked.
    OtherHook,
    /// It names a row that was not in the view.
    UnknownPeer,
    /// It names a position that was not in the window.
    UnknownChunk,
    /// It names a transfer that was not in the view.
    UnknownTransfer,
    /// All slots are taken.
    NoSlot,
    /// The peer went, or as much is under way with it as may be.
    PeerBusy,
    /// The peer has each chunk by now, or it is not here (any more).
    NothingToSend,
    /// The chunk is here or on its way.
    HereOrComing,
    /// The peer does not have the chunk.
    PeerLacks,
    /// A transfer that is over, or has a second copy already.
    TransferOver,
    /// To disconnect somebody who is not connected.
    NotConnected,
    /// To connect to somebody who is connected, or unknown by now.
    NotConnectable,
    /// The answer has more decisions than are looked at.
    TooMany,
}

impl DropReason {
    /// All of them.
    pub const ALL: [DropReason; 13] = [
        DropReason::OtherHook,
        DropReason::UnknownPeer,
        DropReason::UnknownChunk,
        DropReason::UnknownTransfer,
        DropReason::NoSlot,
        DropReason::PeerBusy,
        DropReason::NothingToSend,
        DropReason::HereOrComing,
        DropReason::PeerLacks,
        DropReason::TransferOver,
        DropReason::NotConnected,
        DropReason::NotConnectable,
        DropReason::TooMany,
    ];

    /// A stable name; a value of the label `reason` in metrics.
    pub fn label(self) -> &'static str {
        match self {
            DropReason::OtherHook => "other_hook",
            DropReason::UnknownPeer => "unknown_peer",
            DropReason::UnknownChunk => "unknown_chunk",
            DropReason::UnknownTransfer => "unknown_transfer",
            DropReason::NoSlot => "no_slot",
            DropReason::PeerBusy => "peer_busy",
            DropReason::NothingToSend => "nothing_to_send",
            DropReason::HereOrComing => "here_or_coming",
            DropReason::PeerLacks => "peer_lacks",
            DropReason::TransferOver => "transfer_over",
            DropReason::NotConnected => "not_connected",
            DropReason::NotConnectable => "not_connectable",
            DropReason::TooMany => "too_many",
        }
    }
}

/// How often the active policy gave a reason for a decision that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonCount {
    /// Where.
    pub hook: Hook,
    /// Its code; `None` stands for all beyond the first sixteen of the hook.
    pub code: Option<u32>,
    /// How often.
    pub count: u64,
}

/// Counts of reasons since the policy changed.
#[derive(Debug, Default)]
pub(super) struct Reasons(Vec<ReasonCount>);

impl Reasons {
    pub(super) fn count(&mut self, hook: Hook, code: u32) {
        let known = self.0.iter_mut().find(|one| one.hook == hook && one.code == Some(code));
        if let Some(known) = known {
            known.count += 1;
            return;
        }
        let codes = self.0.iter().filter(|one| one.hook == hook && one.code.is_some()).count();
        let code = (codes < MAX_REASONS).then_some(code);
        match self.0.iter_mut().find(|one| one.hook == hook && one.code == code) {
            Some(other) => other.count += 1,
            None => self.0.push(ReasonCount { hook, code, count: 1 }),
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ReasonCount> + '_ {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_and_bounded() {
        let mut reasons = Reasons::default();
        for code in 0..1000 {
            reasons.count(Hook::Offers, code);
            reasons.count(Hook::Requests, 7);
        }
        assert_eq!(reasons.iter().count(), MAX_REASONS + 2);
        assert_eq!(reasons.iter().map(|one| one.count).sum::<u64>(), 2000);
        let other = ReasonCount { hook: Hook::Offers, code: None, count: 1000 - 16 };
        assert!(reasons.iter().any(|one| one == other));
    }

    #[test]
    fn labels_are_told_apart() {
        let mut labels: Vec<&str> = DropReason::ALL.iter().map(|one| one.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), DropReason::ALL.len());
    }
}
