//! The coarse table: which peer holds how much of which content.
//!
//! A row comes whole, by full-state exchange, or as a summary that lists only what changed last. Each
//! holding remembers the version that it is true of, so that news may arrive in any order.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::SocketAddr;
use samara_model::{ContentId, Holding, MemberRecord, PeerId, Place, Time};

use super::member::{MAX_VERSION, is_dialable};
use super::random::{Map, keyed_map};
use super::summary::Summary;

/// Most holdings in all rows together, 48 bytes each: 12 MiB. 10,000 members may have 26 on average.
const MAX_ENTRIES: usize = 1 << 18;

/// Contents of which a holder came, went, moved, began, stopped or completed.
pub(super) type Touched = BTreeSet<ContentId>;

/// The rows of all other peers.
#[derive(Debug)]
pub(super) struct Table {
    rows: Map<PeerId, Row>,
    entries: usize,
    max_rows: usize,
    max_holdings: usize,
}

/// What is known of one peer.
#[derive(Debug)]
pub(super) struct Row {
    pub address: SocketAddr,
    pub place: Place,
    pub heard_at: Time,
    /// Version of the last complete news; 0 when there was none.
    whole_version: u64,
    /// Version of the last news of any kind.
    latest: u64,
    /// Ordered by content.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    holding: Holding,
    version: u64,
}

/// News about one peer, from either source.
pub(super) struct News {
    pub peer: PeerId,
    pub address: SocketAddr,
    pub place: Place,
    pub version: u64,
    pub whole: bool,
    pub holdings: Vec<Holding>,
}

impl From<MemberRecord> for News {
    fn from(record: MemberRecord) -> Self {
        let MemberRecord { peer, address, version, place, holdings } = record;
        News { peer, address, place, version, whole: true, holdings }
    }
}

impl From<Summary> for News {
    fn from(summary: Summary) -> Self {
        let Summary { peer, address, place, version, whole, holdings } = summary;
        News { peer, address, place, version, whole, holdings }
    }
}

impl Table {
    /// An empty table.
    pub fn new(max_rows: usize, max_holdings: usize, random_seed: u64) -> Self {
        Table { rows: keyed_map(random_seed), entries: 0, max_rows, max_holdings }
    }

    /// Whether something of this version about a peer would be news.
    pub fn is_news(&self, peer: &PeerId, version: u64) -> bool {
        self.rows.get(peer).is_none_or(|row| version > row.latest)
    }

    /// Whether there is a row of this peer.
    pub fn knows(&self, peer: &PeerId) -> bool {
        self.rows.contains_key(peer)
    }

    /// Whether there is room for a row of a peer that is not a member (yet).
    pub fn has_room(&self) -> bool {
        self.rows.len() < self.max_rows
    }

    /// Takes news in; stale and impossible ones change nothing.
    pub fn learn(&mut self, now: Time, mut news: News, touched: &mut Touched) {
        if !is_possible(&news) || self.rows.get(&news.peer).is_some_and(|row| row.is_ahead(&news)) {
            return;
        }
        let known = self.rows.get(&news.peer).map_or(0, |row| row.entries.len());
        news.holdings.truncate(self.max_holdings.min(MAX_ENTRIES - self.entries + known));
        news.holdings.sort_by_key(|holding| holding.content);
        news.holdings.dedup_by_key(|holding| holding.content);
        let row = self.rows.entry(news.peer).or_insert_with(|| Row::new(now, news.address));
        let before = row.entries.len();
        row.merge(now, news, self.max_holdings, touched);
        self.entries = self.entries + row.entries.len() - before;
    }

    /// Forgets a peer.
    pub fn forget(&mut self, peer: &PeerId, touched: &mut Touched) {
        if let Some(row) = self.rows.remove(peer) {
            self.entries -= row.entries.len();
            touched.extend(row.contents());
        }
    }

    /// Forgets the peers for which `keep` says no.
    pub fn retain(&mut self, touched: &mut Touched, keep: impl Fn(&PeerId, &Row) -> bool) {
        let leaving = self.rows.iter().filter(|(peer, row)| !keep(peer, row));
        let mut leaving: Vec<PeerId> = leaving.map(|(peer, _)| *peer).collect();
        leaving.sort_unstable();
        for peer in leaving {
            self.forget(&peer, touched);
        }
    }

    /// Marks the contents of a peer that came or went.
    pub fn touch(&self, peer: &PeerId, touched: &mut Touched) {
        touched.extend(self.rows.get(peer).into_iter().flat_map(Row::contents));
    }

    /// Version of the latest news about a peer; 0 when there was none.
    pub fn version(&self, peer: &PeerId) -> u64 {
        self.rows.get(peer).map_or(0, |row| row.latest)
    }

    /// Where a peer stands.
    pub fn place(&self, peer: &PeerId) -> Place {
        self.rows.get(peer).map_or(Place::default(), |row| row.place)
    }

    /// Who holds something of `content`, in no order.
    pub fn holders<'a>(
        &'a self,
        content: &'a ContentId,
    ) -> impl Iterator<Item = (PeerId, &'a Row, Holding)> + 'a {
        self.rows.iter().filter_map(|(peer, row)| {
            let at = row.entries.binary_search_by_key(content, |e| e.holding.content).ok()?;
            let holding = row.entries[at].holding;
            is_held(&holding).then_some((*peer, row, holding))
        })
    }

    /// A peer's row as it is passed on. It says the version that is known to be complete; what is newer
    /// than that only does good.
    pub fn record(&self, peer: &PeerId) -> Option<MemberRecord> {
        let row = self.rows.get(peer)?;
        let holdings = row.entries.iter().map(|entry| entry.holding).filter(is_held).collect();
        let (address, version, place) = (row.address, row.whole_version, row.place);
        Some(MemberRecord { peer: *peer, address, version, place, holdings })
    }

    /// Number of rows.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Row {
    fn new(now: Time, address: SocketAddr) -> Self {
        let place = Place::default();
        Row { address, place, heard_at: now, whole_version: 0, latest: 0, entries: Vec::new() }
    }

    /// Whether these news are stale. Version 0 means "not known to be complete": good for a start only.
    fn is_ahead(&self, news: &News) -> bool {
        let known = if news.whole { self.whole_version } else { self.latest };
        news.version <= known
    }

    fn merge(&mut self, now: Time, news: News, most: usize, touched: &mut Touched) {
        let News { address, place, version, whole, holdings, .. } = news;
        if version >= self.latest {
            self.address = address;
            if core::mem::replace(&mut self.place, place) != place {
                touched.extend(self.contents());
            }
        }
        self.heard_at = now;
        self.latest = self.latest.max(version);
        if whole {
            self.whole_version = version;
            self.drop_unlisted(version, &holdings, touched);
        }
        for holding in holdings {
            self.set(holding, version, most, touched);
        }
    }

    fn drop_unlisted(&mut self, version: u64, listed: &[Holding], touched: &mut Touched) {
        self.entries.retain(|Entry { holding, version: known }| {
            let listed = listed.binary_search_by_key(&holding.content, |h| h.content).is_ok();
            let stays = listed || *known >= version;
            if !stays && is_held(holding) {
                touched.insert(holding.content);
            }
            stays
        });
    }

    fn set(&mut self, holding: Holding, version: u64, most: usize, touched: &mut Touched) {
        let entry = Entry { holding, version };
        let before =
            match self.entries.binary_search_by_key(&holding.content, |e| e.holding.content) {
                Ok(at) if self.entries[at].version >= version => return,
                Ok(at) => Some(core::mem::replace(&mut self.entries[at], entry).holding),
                Err(_) if self.entries.len() >= most => return,
                Err(at) => {
                    self.entries.insert(at, entry);
                    None
                }
            };
        if role(before.as_ref()) != role(Some(&holding)) {
            touched.insert(holding.content);
        }
    }

    fn contents(&self) -> impl Iterator<Item = ContentId> + '_ {
        self.entries.iter().map(|e| e.holding).filter(is_held).map(|holding| holding.content)
    }
}

/// A peer that has nothing and fetches nothing is no holder.
fn is_held(holding: &Holding) -> bool {
    holding.permille > 0 || holding.fetching
}

/// What somebody who looks for holders cares about: is it one, is it fetching, is it complete.
fn role(holding: Option<&Holding>) -> (bool, bool, bool) {
    holding.map_or((false, false, false), |h| (is_held(h), h.fetching, h.permille >= 1000))
}

fn is_possible(news: &News) -> bool {
    news.version <= MAX_VERSION
        && is_dialable(&news.address)
        && news.holdings.iter().all(|holding| holding.permille <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const PEER: PeerId = PeerId([9; 32]);

    fn holding(content: u8, permille: u16) -> Holding {
        Holding { content: ContentId([content; 32]), permille, fetching: false }
    }

    fn news(version: u64, whole: bool, holdings: Vec<Holding>) -> News {
        let address = SocketAddr::from(([10, 0, 0, 9], 7000));
        News { peer: PEER, address, place: Place::default(), version, whole, holdings }
    }

    fn learn(table: &mut Table, news: News) -> Vec<u8> {
        let mut touched = Touched::new();
        table.learn(Time::ZERO, news, &mut touched);
        touched.into_iter().map(|content| content.0[0]).collect()
    }

    fn held(table: &Table) -> Vec<(u8, u16)> {
        let record = table.record(&PEER).expect("a row");
        record.holdings.iter().map(|h| (h.content.0[0], h.permille)).collect()
    }

    #[test]
    fn a_whole_row_replaces_and_a_stale_one_does_not() {
        let mut table = Table::new(10, 256, 0);
        assert_eq!(
            learn(&mut table, news(5, true, vec![holding(1, 10), holding(2, 1000)])),
            [1, 2]
        );
        assert!(learn(&mut table, news(5, true, vec![])).is_empty());
        assert_eq!(learn(&mut table, news(6, true, vec![holding(2, 1000)])), [1]);
        assert_eq!(held(&table), [(2, 1000)]);
    }

    #[test]
    fn a_change_outlives_an_older_whole_row() {
        let mut table = Table::new(10, 256, 0);
        learn(&mut table, news(5, true, vec![holding(1, 500), holding(2, 500)]));
        learn(&mut table, news(8, false, vec![holding(1, 0), holding(3, 1000)]));
        learn(&mut table, news(7, true, vec![holding(1, 600), holding(2, 600)]));
        assert_eq!(held(&table), [(2, 600), (3, 1000)]);
        learn(&mut table, news(9, true, vec![holding(2, 700)]));
        assert_eq!(held(&table), [(2, 700)]);
    }

    #[test]
    fn only_a_change_of_role_touches_a_content() {
        let mut table = Table::new(10, 256, 0);
        learn(&mut table, news(1, true, vec![holding(1, 100)]));
        assert!(learn(&mut table, news(2, true, vec![holding(1, 200)])).is_empty());
        assert_eq!(learn(&mut table, news(3, true, vec![holding(1, 1000)])), [1]);
    }

    #[test]
    fn a_peer_that_moves_touches_all_it_holds() {
        let mut table = Table::new(10, 256, 0);
        learn(&mut table, news(1, true, vec![holding(1, 100), holding(2, 1000)]));
        let place = Place { rack: 7, ..Place::default() };
        let moved = News { place, ..news(2, false, vec![holding(2, 1000)]) };
        assert_eq!(learn(&mut table, moved), [1, 2]);
        assert_eq!(table.record(&PEER).expect("a row").place, place);
        let stale = News { place: Place::default(), ..news(1, true, vec![]) };
        assert!(learn(&mut table, stale).is_empty());
        assert_eq!(table.record(&PEER).expect("a row").place, place);
    }

    proptest! {
        #[test]
        fn the_end_does_not_depend_on_the_order(
            mut parts in proptest::collection::vec((1u64..20, any::<bool>(), 0u8..4, 0u16..=1000), 0..12),
            seed in any::<u64>(),
        ) {
            use super::super::random::{random_for, shuffle_front};
            parts.sort_by_key(|part| part.0);
            parts.dedup_by_key(|part| part.0);
            // A last whole row, as the next exchange brings it.
            parts.push((99, true, 1, 700));
            let tables = [0, seed].map(|seed| {
                let mut parts = parts.clone();
                let most = if seed == 0 { 0 } else { parts.len() };
                shuffle_front(&mut random_for(seed, 0), &mut parts, most);
                let mut table = Table::new(10, 256, 0);
                for (version, whole, content, permille) in parts {
                    learn(&mut table, news(version, whole, vec![holding(content, permille)]));
                }
                held(&table)
            });
            prop_assert_eq!(&tables[0], &tables[1]);
        }
    }
}
