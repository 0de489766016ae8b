//! Tests: nothing from outside panics, grows without bound, or does lasting harm.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;
use samara_model::{Holding, MemberRecord, Time};

use super::world::{World, address, complete, content, joined, peer, release};
use super::{GossipConfig, GossipInput, GossipOutput, Member};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn late_and_unknown_timers_are_ignored() {
    let mut world = joined(3, 18);
    for token in (0..5).chain([u64::MAX]) {
        let gossip = snapshot(&world);
        world.tell(1, GossipInput::TimerFired { token });
        assert_eq!(gossip, snapshot(&world));
    }
}

fn snapshot(world: &World) -> (usize, usize) {
    (world.gossip(1).up_count(), world.events(1).len())
}

#[test]
fn a_clock_that_jumps_is_survived() {
    let mut world = joined(5, 19);
    world.hold(1, &[complete(1)]);
    for jump in [u64::MAX, 0, 1, u64::MAX / 2, 5_000_000] {
        let now = world.now;
        world.now = Time(jump);
        world.hold(1, &[complete(2)]);
        world.tell(2, GossipInput::PeerSeen { peer: peer(40), address: address(40) });
        world.hold(1, &[complete(1), complete(3)]);
        world.now = now;
        world.run(3 * SECOND);
    }
    world.run_until(60, World::everybody_knows_everybody);
    world.hold(1, &[complete(4)]);
    world.run_until(60, |w| w.holders(3, 4) == [1]);
}

#[test]
fn what_is_kept_is_bounded() {
    let config = GossipConfig { max_members: 50, max_holdings: 4, ..GossipConfig::default() };
    let mut world = World::new(20);
    world.config = config;
    world.start(0, &[]);
    let table = |from: u16| {
        let row = |n: u16| MemberRecord {
            peer: peer(from + n),
            address: address(from + n),
            version: 1,
            place: Default::default(),
            holdings: (0..20).map(complete).collect(),
        };
        (0..200).map(row).collect::<Vec<_>>()
    };
    for from in [100, 400, 800] {
        let mut other = World::new(21);
        for node in from..from + 200 {
            other.start(node, &[from]);
        }
        other.run(30 * SECOND);
        let members = other.state_of(from);
        let input = GossipInput::FullStateReceived {
            from: peer(from),
            reply: true,
            members,
            table: table(from),
            releases: vec![],
        };
        world.tell(0, input);
    }
    let gossip = world.gossip(0);
    assert_eq!(gossip.members(world.now).len(), 50);
    assert!(gossip.table.len() <= 50);
    assert!(gossip.holders(&content(3), world.now).len() <= 50);
    assert!(gossip.holders(&content(4), world.now).is_empty(), "only four holdings count");
    // They never existed: after a while there is room for real ones.
    world.run(60 * SECOND);
    world.start(7, &[0]);
    world.run_until(10, |w| w.gossip(0).members(w.now).iter().any(|v| v.member.peer == peer(7)));
}

/// A machine in the middle of a cluster, and a datagram and a state that it would take.
fn busy() -> (World, Vec<u8>, Vec<u8>) {
    let mut world = joined(4, 22);
    world.hold(2, &[complete(1)]);
    let datagram = world.next_datagram();
    let state = world.state_of(1);
    (world, datagram, state)
}

fn damage(bytes: &mut Vec<u8>, flips: &[(usize, u8)], cut: usize) {
    bytes.truncate(bytes.len().saturating_sub(cut));
    for (at, value) in flips {
        if let Some(byte) = bytes.get_mut(*at) {
            *byte = *value;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hostile_datagrams_do_no_harm(
        random in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..1500), 1..8),
        flips in proptest::collection::vec((0usize..400, any::<u8>()), 1..6),
        cut in 0usize..40,
    ) {
        let (mut world, mut datagram, _) = busy();
        damage(&mut datagram, &flips, cut);
        for bytes in random.into_iter().chain([datagram]) {
            world.tell(0, GossipInput::DatagramReceived { from: address(9), bytes });
        }
        world.run(5 * SECOND);
    }

    #[test]
    fn hostile_states_do_no_harm(
        random in proptest::collection::vec(any::<u8>(), 0..300),
        flips in proptest::collection::vec((0usize..300, any::<u8>()), 1..6),
        versions in proptest::collection::vec(any::<u64>(), 0..6),
        permille in any::<u16>(),
        who in 0u16..6,
    ) {
        let (mut world, _, mut state) = busy();
        damage(&mut state, &flips, 0);
        let holdings = vec![Holding { content: content(1), permille, fetching: true }; 3];
        let row = |version: &u64| MemberRecord {
            peer: peer(who), address: address(who), version: *version, place: Default::default(),
            holdings: holdings.clone(),
        };
        let table: Vec<_> = versions.iter().map(row).collect();
        for members in [random, state] {
            world.tell(0, GossipInput::FullStateReceived {
                from: peer(who), reply: true, members, table: table.clone(),
                releases: vec![release("1", 1, who), release("1", 2, who)],
            });
        }
        world.run(5 * SECOND);
    }
}

#[test]
fn a_machine_that_left_is_silent() {
    let mut world = joined(3, 23);
    world.tell(1, GossipInput::Left);
    let before = world.datagram_bytes;
    world.hold(1, &[complete(1)]);
    world.tell(1, GossipInput::PeerSeen { peer: peer(40), address: address(40) });
    assert_eq!(world.datagram_bytes, before);
    let me = Member { peer: peer(1), instance: 1, address: address(1) };
    let mut out: Vec<GossipOutput> = Vec::new();
    let mut gossip = super::Gossip::new(GossipConfig::default(), me, 0);
    gossip.handle(Time::ZERO, GossipInput::Left, &mut out);
    gossip.handle(Time::ZERO, GossipInput::Started { join: vec![address(2)] }, &mut out);
    assert_eq!(out, []);
}
