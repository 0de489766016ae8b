//! The gossip machine: one entry, the queries beside it.

use alloc::vec::Vec;
use core::time::Duration;
use samara_model::{ContentId, Holding, PeerId, Place, Release, ReleaseName, Time};

use super::exchanges::Exchanges;
use super::member::{HolderView, Member, MemberView};
use super::membership::{Change, Membership};
use super::own::OwnRecord;
use super::packet::Packet;
use super::random::{Random, random_for};
use super::releases::ReleaseTable;
use super::table::{Row, Table, Touched};
use super::timers::{Due, Timers};
use super::{GossipConfig, GossipEvent, GossipInput, GossipOutput};

/// How often old things are looked for.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

/// Who is there, and who holds what. See the [module](crate::gossip).
#[derive(Debug)]
pub struct Gossip {
    pub(super) config: GossipConfig,
    pub(super) now: Time,
    left: bool,
    dropped: u64,
    pub(super) random: Random,
    pub(super) membership: Membership,
    pub(super) timers: Timers,
    pub(super) exchanges: Exchanges,
    pub(super) table: Table,
    pub(super) own: OwnRecord,
    pub(super) releases: ReleaseTable,
    pub(super) touched: Touched,
    pub(super) summary_due: Option<Time>,
}

impl Gossip {
    /// A machine that has not started. `me.address` must be one that others can dial.
    pub fn new(config: GossipConfig, me: Member, random_seed: u64) -> Self {
        Gossip {
            now: Time::ZERO,
            left: false,
            dropped: 0,
            random: random_for(random_seed, 2),
            membership: Membership::new(config.clone(), me, random_seed),
            timers: Timers::default(),
            exchanges: Exchanges::new(random_seed),
            table: Table::new(config.max_members, config.max_holdings, random_seed),
            own: OwnRecord::new(&me),
            releases: ReleaseTable::new(config.max_releases),
            touched: Touched::new(),
            summary_due: None,
            config,
        }
    }

    /// Tells the others where this node stands.
    pub fn with_place(mut self, place: Place) -> Self {
        self.own.set_place(place);
        self
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, now: Time, input: GossipInput, out: &mut Vec<GossipOutput>) {
        if self.left {
            return;
        }
        self.now = now;
        match input {
            GossipInput::Started { join } => self.start(join, out),
            GossipInput::DatagramReceived { bytes, .. } => self.receive_datagram(&bytes, out),
            GossipInput::FullStateReceived { from, reply, members, table, releases } => {
                self.receive_state(&members, out);
                self.receive_table(table);
                self.receive_releases(releases, out);
                self.answer(from, reply, out);
            }
            GossipInput::ExchangeFailed { address } => self.exchange_failed(address, out),
            GossipInput::HoldingsChanged { holdings } => self.own.replace(&holdings),
            GossipInput::PlaceChanged { place } => self.own.move_to(place),
            GossipInput::ReleaseAdded(release) => self.publish(release, out),
            GossipInput::TimerFired { token } => self.timer_fired(token, out),
            GossipInput::PeerSeen { peer, address } => self.see(peer, address, out),
            GossipInput::Left => self.leave(),
        }
        self.settle(out);
    }

    /// All known members, this node not included, ordered by id.
    pub fn members(&self, now: Time) -> Vec<MemberView> {
        let mut views = self.membership.views(now);
        for view in &mut views {
            view.place = self.table.place(&view.member.peer);
        }
        views
    }

    /// This node, under its present identity.
    pub fn me(&self) -> Member {
        self.membership.me()
    }

    /// How many other members are up.
    pub fn up_count(&self) -> usize {
        self.membership.up_count()
    }

    /// Members that are up and hold or fetch `content`, this node not included: those with the most
    /// first, then by id.
    pub fn holders(&self, content: &ContentId, now: Time) -> Vec<HolderView> {
        let holders = self.table.holders(content);
        let up = holders.filter(|(peer, ..)| self.membership.is_up(peer));
        let view = |(peer, row, holding): (PeerId, &Row, Holding)| {
            let Holding { permille, fetching, .. } = holding;
            let age = now.since(row.heard_at);
            HolderView { peer, address: row.address, place: row.place, permille, fetching, age }
        };
        let mut views: Vec<HolderView> = up.map(view).collect();
        views.sort_unstable_by_key(|view| (core::cmp::Reverse(view.permille), view.peer));
        views
    }

    /// What a name means.
    pub fn release(&self, name: &ReleaseName) -> Option<&Release> {
        self.releases.find(name)
    }

    /// All known releases, ordered by name.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        self.releases.iter()
    }

    /// Updates and summaries still to be passed on. Healthy when below the number of members.
    pub fn backlog(&self) -> usize {
        self.membership.backlog()
    }

    /// Datagrams that were not understood or not believed.
    pub fn dropped_datagrams(&self) -> u64 {
        self.dropped
    }

    fn receive_datagram(&mut self, bytes: &[u8], out: &mut Vec<GossipOutput>) {
        let Ok(mut packet) = Packet::parse(bytes) else {
            self.dropped += 1;
            return;
        };
        packet.summaries.retain(|summary| self.is_news(summary));
        let news = packet.summaries.clone();
        if !self.membership.receive(self.now, packet) {
            self.dropped += 1;
            return;
        }
        self.carry_out_changes(out);
        for summary in news {
            self.table.learn(self.now, summary.into(), &mut self.touched);
        }
    }

    fn timer_fired(&mut self, token: u64, out: &mut Vec<GossipOutput>) {
        match self.timers.fired(token) {
            Some(Due::Membership(timer)) => self.membership.timer_fired(self.now, timer),
            Some(Due::Exchange) => self.exchange_round(out),
            Some(Due::Join) => self.join_if_alone(out),
            Some(Due::Summary) => self.summary_due = None,
            Some(Due::Tidy) => self.tidy(out),
            None => {}
        }
    }

    pub(super) fn tidy(&mut self, out: &mut Vec<GossipOutput>) {
        self.membership.tidy(self.now);
        self.exchanges.tidy(self.now);
        let Gossip { membership, config, now, .. } = self;
        self.table.retain(&mut self.touched, |peer, row| {
            let silent_since = membership.down_since(peer).unwrap_or(row.heard_at);
            membership.is_up(peer) || now.since(silent_since) < config.forget_rows_after
        });
        self.timers.start(Due::Tidy, TIDY_INTERVAL, out);
    }

    fn leave(&mut self) {
        self.membership.leave();
        self.left = true;
    }

    /// Passes on what the parts want, until they want nothing more.
    fn settle(&mut self, out: &mut Vec<GossipOutput>) {
        self.carry_out_changes(out);
        if !self.left {
            self.pace_summary(out);
        }
        let effects = &mut self.membership.effects;
        for (to, bytes) in effects.datagrams.drain(..) {
            out.push(GossipOutput::SendDatagram { to, bytes });
        }
        for (timer, after) in effects.timers.drain(..) {
            self.timers.start(Due::Membership(timer), after, out);
        }
        for content in core::mem::take(&mut self.touched) {
            out.push(GossipOutput::Report(GossipEvent::HoldersChanged(content)));
        }
    }

    pub(super) fn carry_out_changes(&mut self, out: &mut Vec<GossipOutput>) {
        for change in core::mem::take(&mut self.membership.changes) {
            match change {
                Change::Up(member) => self.member_up(&member, out),
                Change::Down(member) => self.member_down(&member, out),
                Change::Renewed(member) => self.own.announce_again(member.instance),
                Change::Alone => self.join_again(out),
                Change::SameIdElsewhere(address) => {
                    out.push(GossipOutput::Report(GossipEvent::SameIdElsewhere(address)));
                }
            }
        }
    }

    fn member_up(&mut self, member: &Member, out: &mut Vec<GossipOutput>) {
        // Versions count from the instance: a lower one is of a former life.
        if self.table.version(&member.peer) < member.instance {
            self.table.forget(&member.peer, &mut self.touched);
        }
        self.table.touch(&member.peer, &mut self.touched);
        let event = GossipEvent::MemberUp(member.peer, member.address);
        out.push(GossipOutput::Report(event));
    }

    fn member_down(&mut self, member: &Member, out: &mut Vec<GossipOutput>) {
        self.table.touch(&member.peer, &mut self.touched);
        self.exchanges.remember(member.address);
        out.push(GossipOutput::Report(GossipEvent::MemberDown(member.peer)));
    }
}
