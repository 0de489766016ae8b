//! The manifest: fetched in bounded parts from any neighbour that has it, passed on to a few at a time.
//!
//! Few at a time, because at the start only the origin has it, and each copy that the origin sends costs the
//! swarm as much as the same number of bytes of content. Whoever has it passes it on; the rest wait some
//! milliseconds.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use samara_model::{MAX_MANIFEST_PART, PeerMessage, Time};

use super::chunks::Chunks;
use super::{LinkKey, ManifestFacts, Outputs, Swarm, SwarmOutput};

/// A manifest is small when so many are no longer than a chunk.
const SMALL_MANIFEST: usize = 16;
/// Largest manifest that is fetched: two million chunks.
const MAX_MANIFEST: u32 = 64 << 20;
/// A neighbour that is busy is asked again after this time.
const BUSY_RETRY: Duration = Duration::from_millis(15);
/// A part that does not come within this time is asked of somebody else.
const PART_TIMEOUT: Duration = Duration::from_secs(3);

/// The manifest as far as it has come.
#[derive(Debug, Default)]
pub struct ManifestFetch {
    bytes: Vec<u8>,
    total: u32,
    asked: Option<(LinkKey, Time)>,
    sources: BTreeSet<LinkKey>,
    /// Not before this time.
    avoid: BTreeMap<LinkKey, Time>,
    /// After a mixture of parts was wrong, all come from one source.
    one_source: bool,
    checking: bool,
}

impl ManifestFetch {
    pub(super) fn lost(&mut self, link: LinkKey) {
        self.avoid.remove(&link);
        if self.asked.is_some_and(|(asked, _)| asked == link) {
            self.asked = None;
        }
    }

    /// When to look again, if something is pending.
    pub(super) fn retry_at(&self) -> Option<Time> {
        match self.asked {
            _ if self.checking => None,
            Some((_, at)) => Some(at + PART_TIMEOUT),
            None => self.avoid.values().min().copied(),
        }
    }

    fn restart(&mut self) {
        self.bytes = Vec::new();
        self.total = 0;
        self.asked = None;
        self.sources.clear();
        self.checking = false;
    }
}

impl Swarm {
    /// Asks for the next part, if the manifest is missing and nothing is under way.
    pub(super) fn want_manifest(&mut self, out: &mut Outputs) {
        if self.chunks.is_some() || self.manifest.checking {
            return;
        }
        let now = self.now;
        if let Some((link, at)) = self.manifest.asked {
            if now.since(at) < PART_TIMEOUT {
                return;
            }
            self.manifest.avoid.insert(link, now + PART_TIMEOUT);
            self.manifest.asked = None;
        }
        self.manifest.avoid.retain(|_, until| *until > now);
        let Some(link) = self.manifest_source() else { return };
        let of = self.neighbours.get(&link);
        let Some(total) = of.and_then(|one| one.manifest_bytes) else { return };
        if self.manifest.total != total
            || (self.manifest.one_source && !self.manifest.sources.contains(&link))
        {
            self.manifest.restart();
            self.manifest.total = total;
        }
        self.manifest.asked = Some((link, now));
        self.manifest.sources.insert(link);
        let offset = self.manifest.bytes.len() as u32;
        self.send(link, PeerMessage::ManifestRequest { channel: 0, offset }, out);
    }

    /// A random neighbour that can serve it; one that fits the parts so far, if there is one.
    fn manifest_source(&mut self) -> Option<LinkKey> {
        let can = |link: &LinkKey, bytes: u32| {
            (1..=MAX_MANIFEST).contains(&bytes) && !self.manifest.avoid.contains_key(link)
        };
        let mut able: Vec<(LinkKey, u32)> = self
            .neighbours
            .iter()
            .filter_map(|(link, one)| Some((*link, one.manifest_bytes?)))
            .filter(|(link, bytes)| can(link, *bytes))
            .collect();
        let fits = |(link, bytes): &(LinkKey, u32)| {
            *bytes == self.manifest.total
                && (!self.manifest.one_source || self.manifest.sources.contains(link))
        };
        if able.iter().any(fits) {
            able.retain(fits);
        }
        let at = self.random.below(able.len() as u32) as usize;
        able.get(at).map(|(link, _)| *link)
    }

    pub(super) fn on_manifest_part(
        &mut self,
        link: LinkKey,
        offset: u32,
        bytes: Vec<u8>,
        out: &mut Outputs,
    ) {
        let expected = self.manifest.bytes.len() as u32;
        if self.manifest.asked.is_none_or(|(asked, _)| asked != link) || offset != expected {
            return;
        }
        self.manifest.asked = None;
        if bytes.is_empty() {
            self.manifest.avoid.insert(link, self.now + BUSY_RETRY);
            return;
        }
        self.manifest.bytes.extend_from_slice(&bytes);
        let have = self.manifest.bytes.len() as u32;
        if have > self.manifest.total {
            self.manifest.restart();
            self.ban(link, "sent more of the manifest than it announced", out);
        } else if have == self.manifest.total {
            self.manifest.checking = true;
            let bytes = core::mem::take(&mut self.manifest.bytes);
            out.push(SwarmOutput::CheckManifest { bytes });
        }
    }

    pub(super) fn on_manifest_refused(&mut self, out: &mut Outputs) {
        let sources: Vec<LinkKey> = self.manifest.sources.iter().copied().collect();
        self.manifest.restart();
        if let [only] = sources.as_slice() {
            self.ban(*only, "sent a manifest that does not have the content's id", out);
        } else {
            self.manifest.one_source = true;
        }
    }

    pub(super) fn on_manifest_loaded(&mut self, facts: ManifestFacts, out: &mut Outputs) {
        if self.chunks.is_some() {
            return;
        }
        self.manifest = ManifestFetch::default();
        self.chunks = Some(Chunks::new(facts));
        let links: Vec<LinkKey> = self.neighbours.keys().copied().collect();
        for link in links {
            self.resolve_summary(link, out);
            self.send_open(link, false, out);
        }
        self.offers_wanted = true;
        self.requests_wanted = true;
        self.report_if_complete(out);
    }

    /// Neighbours that get the manifest at a time. A small one costs no more than the messages around it, and
    /// nothing begins before it is there.
    fn manifest_slots(&self) -> usize {
        let small = self.chunks.as_ref().is_some_and(|chunks| {
            chunks.manifest.len() * SMALL_MANIFEST <= chunks.chunk_bytes as usize
        });
        if small { self.config.manifest_slots * 4 } else { self.config.manifest_slots }
    }

    pub(super) fn on_manifest_request(&mut self, link: LinkKey, offset: u32, out: &mut Outputs) {
        let now = self.now;
        let others = self.neighbours.iter().filter(|(other, one)| {
            **other != link
                && one.manifest_since.is_some_and(|since| now.since(since) < PART_TIMEOUT)
        });
        let room = others.count() < self.manifest_slots();
        let bytes = match &self.chunks {
            Some(chunks) if room && !self.withdrawn => {
                let start = (offset as usize).min(chunks.manifest.len());
                let end = (start + MAX_MANIFEST_PART as usize).min(chunks.manifest.len());
                chunks.manifest[start..end].to_vec()
            }
            _ => Vec::new(),
        };
        if let Some(neighbour) = self.neighbours.get_mut(&link)
            && !bytes.is_empty()
        {
            neighbour.manifest_since = Some(now);
        }
        self.send(link, PeerMessage::ManifestPart { channel: 0, offset, bytes }, out);
    }
}

#[cfg(test)]
mod tests {
    use samara_model::{ChunkSet, ContentId, PeerId, Time};

    use super::*;
    use crate::swarm::{ManifestFacts, SwarmConfig, SwarmInput};

    #[test]
    fn a_small_manifest_is_passed_on_to_more_at_a_time() {
        let slots = |manifest: usize| {
            let (me, content) = (PeerId([200; 32]), ContentId([9; 32]));
            let mut swarm = Swarm::new(SwarmConfig::default(), me, content, true, 3);
            let have = ChunkSet::full(9);
            let bytes = alloc::vec![1; manifest].into();
            let facts = ManifestFacts { bytes, chunk_bytes: 65536, have };
            swarm.handle(Time::ZERO, SwarmInput::ManifestLoaded(facts), &mut Vec::new());
            swarm.manifest_slots()
        };
        let usual = SwarmConfig::default().manifest_slots;
        assert_eq!((slots(4096), slots(4097)), (4 * usual, usual));
    }
}
