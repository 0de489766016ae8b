//! The full-state exchange: when, with whom, and what is in it.

use alloc::vec::Vec;
use core::net::SocketAddr;
use rand::RngExt;
use samara_model::{MemberRecord, PeerId, PeerMessage, Release};

use super::GossipOutput;
use super::machine::Gossip;
use super::member::is_dialable;
use super::random::jittered;
use super::state::{decode_members, encode_members};
use super::timers::Due;

/// Most bytes of the table in one exchange. A frame holds 1 MiB, together with members and releases.
const MAX_TABLE_BYTES: usize = 384 << 10;
/// Most bytes of releases in one exchange.
const MAX_RELEASE_BYTES: usize = 160 << 10;
/// At least the bytes of a row without its holdings, and of one holding, in MessagePack.
const ROW_BYTES: usize = 128;
const HOLDING_BYTES: usize = 40;

impl Gossip {
    /// A `PeerMessage::FullState` for an exchange: members, table and releases as of the last input.
    pub fn full_state(&mut self, reply: bool) -> PeerMessage {
        PeerMessage::FullState {
            reply,
            members: encode_members(&self.membership, self.now, &mut self.random),
            table: self.records(),
            releases: self.releases.fitting(MAX_RELEASE_BYTES),
        }
    }

    /// The own row, and those of members that are up and hold something, from a random one on.
    fn records(&mut self) -> Vec<MemberRecord> {
        let own = self.own.record(&self.membership.me(), self.config.max_holdings);
        let mut peers = self.membership.up_peers();
        let start = self.random.random_range(0..peers.len().max(1));
        peers.rotate_left(start);
        let mut room = MAX_TABLE_BYTES;
        let mut records = Vec::new();
        let others = peers.iter().filter_map(|peer| self.table.record(peer));
        for record in core::iter::once(own).chain(others.filter(|r| !r.holdings.is_empty())) {
            let size = ROW_BYTES + HOLDING_BYTES * record.holdings.len();
            let Some(rest) = room.checked_sub(size) else {
                break;
            };
            room = rest;
            records.push(record);
        }
        records
    }

    pub(super) fn start(&mut self, join: Vec<SocketAddr>, out: &mut Vec<GossipOutput>) {
        self.exchanges.join_through(join, self.membership.me().address);
        self.join_again(out);
        self.tidy(out);
        let first = self.config.exchange_interval;
        let first = first * self.random.random_range(0..=1000) / 1000;
        self.timers.start(Due::Exchange, first, out);
    }

    pub(super) fn receive_state(&mut self, members: &[u8], out: &mut Vec<GossipOutput>) {
        let Some(updates) = decode_members(members) else {
            return;
        };
        let was_alone = self.membership.up_count() == 0;
        let unknown = self.membership.receive_state(self.now, updates);
        self.carry_out_changes(out);
        // A single newcomer is spread by datagram. Many mean that we, or they, have just joined.
        if was_alone || unknown > 1 + self.membership.known_count() / 32 {
            self.exchange_soon(out);
        }
    }

    pub(super) fn receive_table(&mut self, table: Vec<MemberRecord>) {
        for record in table {
            if record.peer == self.membership.me().peer {
                self.own.overtake(record.version);
            } else if self.has_room_for(&record.peer) {
                self.table.learn(self.now, record.into(), &mut self.touched);
            }
        }
    }

    fn has_room_for(&mut self, peer: &PeerId) -> bool {
        if self.table.knows(peer) || self.table.has_room() {
            return true;
        }
        // There are as many rows as members may be: some belong to nobody.
        let membership = &self.membership;
        if membership.is_up(peer) {
            self.table.retain(&mut self.touched, |peer, _| membership.is_up(peer));
        }
        self.table.has_room()
    }

    pub(super) fn receive_releases(&mut self, releases: Vec<Release>, out: &mut Vec<GossipOutput>) {
        let mut learned = false;
        for release in releases.into_iter().take(2 * self.config.max_releases) {
            learned |= self.offer(release, false, out);
        }
        if learned {
            self.exchange_soon(out);
        }
    }

    pub(super) fn answer(&mut self, peer: PeerId, reply: bool, out: &mut Vec<GossipOutput>) {
        if reply && self.exchanges.may_answer(self.now, peer) {
            let message = self.full_state(false);
            out.push(GossipOutput::AnswerExchange { peer, message });
        }
    }

    /// A live connection: if it leads to no member, ask it who it knows.
    pub(super) fn see(&mut self, peer: PeerId, address: SocketAddr, out: &mut Vec<GossipOutput>) {
        if peer == self.membership.me().peer || !is_dialable(&address) {
            return;
        }
        self.exchanges.remember(address);
        if !self.membership.is_up(&peer) && self.exchanges.may_try(self.now, address) {
            self.exchange_with(address, Some(peer), out);
        }
    }

    pub(super) fn exchange_round(&mut self, out: &mut Vec<GossipOutput>) {
        self.exchanges.soon = false;
        self.exchange_with_random(out);
        let membership = &self.membership;
        let check = self.exchanges.join_address_to_check(|address| membership.is_up_at(address));
        if let Some(address) = check.filter(|_| self.membership.up_count() > 0) {
            self.exchange_with(address, None, out);
        }
        let next = jittered(&mut self.random, self.config.exchange_interval);
        self.timers.start(Due::Exchange, next, out);
    }

    pub(super) fn exchange_with_random(&mut self, out: &mut Vec<GossipOutput>) {
        if let Some(member) = self.membership.pick(&mut self.random) {
            self.exchange_with(member.address, Some(member.peer), out);
        }
    }

    fn exchange_with(
        &mut self,
        address: SocketAddr,
        peer: Option<PeerId>,
        out: &mut Vec<GossipOutput>,
    ) {
        self.exchanges.opened(self.now, address);
        out.push(GossipOutput::ExchangeWith { address, peer });
    }

    pub(super) fn exchange_failed(&mut self, address: SocketAddr, out: &mut Vec<GossipOutput>) {
        if self.exchanges.failed(self.now, &address) {
            self.exchange_soon(out);
        }
    }

    /// There is news, or the last exchange failed: the next one comes after a tenth of the time.
    pub(super) fn exchange_soon(&mut self, out: &mut Vec<GossipOutput>) {
        if !self.exchanges.soon {
            self.exchanges.soon = true;
            let next = jittered(&mut self.random, self.config.exchange_interval / 10);
            self.timers.start(Due::Exchange, next, out);
        }
    }

    pub(super) fn join_again(&mut self, out: &mut Vec<GossipOutput>) {
        self.exchanges.reset_backoff();
        if !self.timers.is_running(&Due::Join) {
            self.join_if_alone(out);
        }
    }

    pub(super) fn join_if_alone(&mut self, out: &mut Vec<GossipOutput>) {
        if self.membership.up_count() > 0 {
            return;
        }
        for address in self.exchanges.next_to_join() {
            self.exchange_with(address, None, out);
        }
        let backoff = self.exchanges.next_backoff(self.config.join_backoff_max);
        let after = jittered(&mut self.random, backoff);
        self.timers.start(Due::Join, after, out);
    }
}
