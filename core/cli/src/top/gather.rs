//! Asks the node for everything that one picture shows.

use std::collections::HashMap;
use std::time::Instant;

use samara_node::PolicyStatus;
use samara_node::documents::{
    ContentDocument, ContentsDocument, MapDocument, MembersDocument, PeerDocument, PeersDocument,
    StatusDocument, WhyDocument,
};

use super::choice::{Choice, key_of};
use crate::admin::{Admin, content_path};
use crate::exit::Failure;

/// Stretches of the chunk map.
pub const STRETCHES: usize = 200;

/// The node at one moment.
#[derive(Debug, Clone)]
pub struct Seen {
    pub status: StatusDocument,
    pub contents: Vec<ContentDocument>,
    pub policy: PolicyStatus,
    /// Of which content the rest is: the choice may have moved on since.
    pub of: Option<String>,
    /// Its chunks.
    pub map: Option<MapDocument>,
    /// Why it is not further.
    pub why: Option<WhyDocument>,
    pub peers: Vec<Peer>,
    /// Why this is not the last word: the node does not answer any more.
    pub gone: Option<String>,
}

/// A peer of the content, with what goes over its link.
#[derive(Debug, Clone)]
pub struct Peer {
    pub document: PeerDocument,
    pub received_per_second: f64,
    pub sent_per_second: f64,
}

/// Bytes received from each peer and sent to it.
type Counts = HashMap<String, (u64, u64)>;

/// See the module.
pub struct Gatherer {
    admin: Admin,
    before: Option<(Instant, Counts)>,
}

impl Gatherer {
    pub fn new(admin: Admin) -> Gatherer {
        Gatherer { admin, before: None }
    }

    /// Looks once.
    ///
    /// # Errors
    /// When the node does not answer.
    pub fn look(&mut self, choice: &Choice) -> Result<Seen, Failure> {
        let doing = "could not watch the node";
        let status: StatusDocument = self.admin.get(doing, "/v1/status")?;
        let contents: ContentsDocument = self.admin.get(doing, "/v1/contents")?;
        let policy: PolicyStatus = self.admin.get(doing, "/v1/policy")?;
        let mut seen = Seen {
            status,
            contents: contents.contents,
            policy,
            of: None,
            map: None,
            why: None,
            peers: Vec::new(),
            gone: None,
        };
        let mut choice = choice.clone();
        choice.keep_valid(&seen);
        seen.of = choice.content(&seen).map(key_of);
        // A fetch whose name is not resolved is known by that name.
        let known = |one: &ContentDocument| one.content.clone().or_else(|| one.release.clone());
        if let Some(content) = choice.content(&seen).and_then(known) {
            // A content that was removed a moment ago has no peers.
            let map = content_path(&content, &format!("/map?stretches={STRETCHES}"));
            seen.map = self.admin.get(doing, &map).ok();
            seen.why = self.admin.get(doing, &content_path(&content, "/why")).ok();
            let peers = self.admin.get(doing, &content_path(&content, "/peers")).ok();
            let members: MembersDocument = self.admin.get(doing, "/v1/peers")?;
            seen.peers = self.with_rates(peers, &members);
        }
        Ok(seen)
    }

    fn with_rates(&mut self, peers: Option<PeersDocument>, members: &MembersDocument) -> Vec<Peer> {
        let now = Instant::now();
        let counts: Counts = members
            .members
            .iter()
            .map(|one| (one.peer.clone(), (one.received_bytes, one.sent_bytes)))
            .collect();
        let rates = |peer: &str| {
            let (at, before) = self.before.as_ref()?;
            let (was, is) = (before.get(peer)?, counts.get(peer)?);
            let span = now.duration_since(*at).as_secs_f64().max(0.001);
            let rate = |was: u64, is: u64| is.saturating_sub(was) as f64 / span;
            Some((rate(was.0, is.0), rate(was.1, is.1)))
        };
        let peers = peers.map_or(Vec::new(), |document| document.peers);
        let rows = peers.into_iter().map(|document| {
            let (received, sent) = rates(&document.peer).unwrap_or_default();
            Peer { document, received_per_second: received, sent_per_second: sent }
        });
        let rows = rows.collect();
        self.before = Some((now, counts));
        rows
    }
}
