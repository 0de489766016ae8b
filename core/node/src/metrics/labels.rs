//! The values of all labels. They are closed sets: a series that may ever be there is there from the start.

use samara_model::Place;
use samara_wire::DatagramError;

use crate::api::{ActorName, FetchPhase};
pub use crate::link::DiskOp;

pub const ACTOR_NAMES: &[&str] =
    &["seeder", "chunk_store", "gossip", "selector", "swarm", "tracker"];
pub const PHASES: &[&str] =
    &["finding", "manifest", "checking", "transferring", "parked", "finishing", "complete"];
pub const OUTCOMES: &[&str] = &["complete", "failed", "cancelled"];
pub const SOURCES: &[&str] = &["origin", "rack", "zone", "remote"];
pub const SCOPES: &[&str] = &["rack", "zone", "remote"];
pub const LOSSES: &[&str] = &["duplicate", "corrupt", "late", "unwritten"];
pub const CHUNK_OUTCOMES: &[&str] = &["ok", "duplicate", "corrupt", "late", "unwritten"];
pub const DIRECTIONS: &[&str] = &["received", "sent"];
pub const WAYS: &[&str] = &["inbound", "outbound"];
pub const MEMBER_STATES: &[&str] = &["alive", "suspect", "down"];
pub const GOSSIP_KINDS: &[&str] = &["datagram", "exchange"];
pub const DATAGRAM_DROPS: &[&str] =
    &["not_samara", "version", "other_cluster", "too_large", "mailbox_full"];
pub const HOOKS: &[&str] = &["neighbours", "offers", "requests", "overdue"];
pub const ROLES: &[&str] = &["active", "shadow"];
pub const FALLBACKS: &[&str] =
    &["late", "failed", "idle", "left-alone", "quarantined", "not-wanted"];
pub const FAILURES: &[&str] = &["trap", "fuel", "deadline", "memory", "abi", "output"];
pub const EVICTIONS: &[&str] = &["keep", "quota", "min_free"];
pub const SHADOW: &[&str] = &["same", "differs", "fault", "skipped"];
pub const CHANGES: &[&str] = &[
    "activated",
    "shadowed",
    "rolled_back",
    "shadow_ended",
    "left_alone",
    "trusted_again",
    "quarantined",
];
pub const CONDITIONS: &[&str] = &["none", "trusted", "left-alone", "on-trial", "quarantined"];
pub const DROPS: &[&str] = &[
    "other_hook",
    "unknown_peer",
    "unknown_chunk",
    "unknown_transfer",
    "no_slot",
    "peer_busy",
    "nothing_to_send",
    "here_or_coming",
    "peer_lacks",
    "transfer_over",
    "not_connected",
    "not_connectable",
    "too_many",
];
/// In the order of [`DiskOp`].
pub const DISK: &[&str] = &["write", "read"];

/// All actors, in the order of [`ACTOR_NAMES`].
pub const ACTORS: [ActorName; 6] = [
    ActorName::Seeder,
    ActorName::ChunkStore,
    ActorName::Gossip,
    ActorName::Selector,
    ActorName::Swarm,
    ActorName::Tracker,
];

impl ActorName {
    /// The value of the label `actor`.
    pub fn label(self) -> &'static str {
        ACTOR_NAMES[self as usize]
    }
}

/// Which of [`FAILURES`] a fault of a call is; the argument is what `samara policy status` calls it.
pub fn failure_of(fault: &str) -> Option<&'static str> {
    Some(match fault {
        "trap" | "stack" => "trap",
        "fuel" => "fuel",
        // For who waits it is all the same whether it ran, waited for a thread, or answered too late.
        "deadline" | "late" | "queue" => "deadline",
        "memory" => "memory",
        "start" => "abi",
        "malformed" | "too-big" => "output",
        _ => return None,
    })
}

/// The place of a phase in [`PHASES`].
pub fn phase_number(phase: &FetchPhase) -> usize {
    match phase {
        FetchPhase::Finding => 0,
        FetchPhase::Manifest => 1,
        FetchPhase::Checking => 2,
        FetchPhase::Transferring => 3,
        FetchPhase::Parked { .. } => 4,
        FetchPhase::Finishing => 5,
        FetchPhase::Complete => 6,
    }
}

/// Where a peer stands, seen from here; the order of [`SCOPES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On the same host or in the same rack.
    Rack,
    /// In the same zone.
    Zone,
    /// Anywhere else, or nobody says.
    Remote,
}

impl Scope {
    /// By the labels of both. Racks of different zones are different, whatever they are called.
    pub fn between(here: &Place, there: &Place) -> Scope {
        let same = |a: u64, b: u64| a != 0 && a == b;
        let other_zone = here.zone != 0 && there.zone != 0 && here.zone != there.zone;
        if same(here.host, there.host) || (same(here.rack, there.rack) && !other_zone) {
            Scope::Rack
        } else if same(here.zone, there.zone) {
            Scope::Zone
        } else {
            Scope::Remote
        }
    }
}

/// Where a chunk came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// Where the peer stands.
    pub scope: Scope,
    /// It published the content.
    pub origin: bool,
}

impl Source {
    /// Its place in [`SOURCES`].
    pub fn number(self) -> usize {
        if self.origin { 0 } else { 1 + self.scope as usize }
    }
}

/// Why received bytes are thrown away; the order of [`LOSSES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Was here already.
    Duplicate,
    /// Wrong hash.
    Corrupt,
    /// Broken off, or not wanted any more.
    Late,
    /// The store could not keep it.
    Unwritten,
}

/// How a fetch ended; the order of [`OUTCOMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The file is in its place.
    Complete,
    /// It is not.
    Failed,
    /// Nobody wanted it any more.
    Cancelled,
}

/// Which way; the order of [`DIRECTIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To here.
    Received,
    /// From here.
    Sent,
}

/// What a policy is there for; the order of [`ROLES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It decides.
    Active,
    /// It is compared.
    Shadow,
}

/// Why a datagram is dropped; the order of [`DATAGRAM_DROPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramDrop {
    /// Something else found the port.
    NotSamara,
    /// Another version of the envelope.
    Version,
    /// Another cluster.
    OtherCluster,
    /// Longer than any datagram of ours.
    TooLarge,
    /// Gossip does not keep up, or is being restarted.
    MailboxFull,
}

impl From<DatagramError> for DatagramDrop {
    fn from(error: DatagramError) -> DatagramDrop {
        match error {
            DatagramError::NotSamara => DatagramDrop::NotSamara,
            DatagramError::Version { .. } => DatagramDrop::Version,
            DatagramError::OtherCluster => DatagramDrop::OtherCluster,
            DatagramError::TooLarge { .. } => DatagramDrop::TooLarge,
        }
    }
}

#[cfg(test)]
mod tests {
    use samara_engine::swarm::{DropReason, Hook};
    use samara_policy_host::Fault;

    use super::*;
    use crate::catalogue::Eviction;

    #[test]
    fn labels_are_those_of_what_they_name() {
        assert_eq!(Hook::ALL.map(Hook::name), HOOKS);
        assert_eq!(DropReason::ALL.map(DropReason::label), DROPS);
        let faults = [&Fault::LABELS[..], &["late"]].concat();
        for fault in &faults {
            assert!(failure_of(fault).is_some_and(|one| FAILURES.contains(&one)), "{fault}");
        }
        for failure in FAILURES {
            assert!(faults.iter().any(|fault| failure_of(fault) == Some(failure)), "{failure}");
        }
        assert_eq!(EVICTIONS[Eviction::MinFree as usize], "min_free");
        assert_eq!(EVICTIONS[Eviction::Keep as usize], "keep");
        assert_eq!(ACTORS.map(ActorName::label), ACTOR_NAMES);
        let phases = [FetchPhase::Finding, FetchPhase::Complete].map(|one| phase_number(&one));
        assert_eq!(phases.map(|number| PHASES[number]), ["finding", "complete"]);
        assert_eq!(SCOPES[Scope::Remote as usize], "remote");
        assert_eq!(LOSSES[Loss::Unwritten as usize], "unwritten");
        assert_eq!(OUTCOMES[Outcome::Cancelled as usize], "cancelled");
        assert_eq!(DIRECTIONS[Direction::Sent as usize], "sent");
        assert_eq!(ROLES[Role::Shadow as usize], "shadow");
        assert_eq!(DISK[DiskOp::Read as usize], "read");
        assert_eq!(DATAGRAM_DROPS[DatagramDrop::MailboxFull as usize], "mailbox_full");
    }

    #[test]
    fn the_nearest_label_that_both_have_decides() {
        let place = |zone, rack, host| Place { zone, rack, host };
        let here = place(1, 2, 3);
        for (there, scope) in [
            (place(1, 2, 3), Scope::Rack),
            (place(1, 2, 4), Scope::Rack),
            (place(0, 2, 0), Scope::Rack),
            (place(1, 5, 4), Scope::Zone),
            (place(9, 2, 4), Scope::Remote),
            (place(0, 0, 0), Scope::Remote),
        ] {
            assert_eq!(Scope::between(&here, &there), scope, "{there:?}");
        }
        let of = |origin, scope| SOURCES[Source { scope, origin }.number()];
        assert_eq!((of(true, Scope::Zone), of(false, Scope::Zone)), ("origin", "zone"));
    }
}
