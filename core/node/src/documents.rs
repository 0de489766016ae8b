//! The documents of the admin API, as `samara status --json` and its relatives print them. Keys are only ever
//! added. Times of day are seconds since the Unix epoch.

mod contents;
mod events;
mod orders;
mod peers;
mod status;
mod why;

pub use contents::{
    ChangesDocument, ContentDocument, ContentsDocument, FetchDocument, RemovedDocument,
    ScrubDocument,
};
pub use events::{NoticeDocument, ReloadDocument};
pub use orders::{FetchOrder, PriorityOrder, PublishOrder};
pub use peers::{
    DecisionDocument, MapDocument, MemberDocument, MembersDocument, PeerDocument, PeersDocument,
    StretchDocument,
};
pub use status::{
    ActivePolicyDocument, CapsDocument, LimitsDocument, ProcessDocument, StatusDocument,
    StorageDocument, TrafficDocument, WaitingDocument,
};
pub use why::{
    ExchangeDocument, LossDocument, PhaseDocument, ReasonDocument, TransferDocument, WhyDocument,
};
