//! The strategies of `policies/` in the small world: each completes a swarm by itself, and they differ where
//! they should.

use alloc::vec::Vec;

use samara_policy::Policy;
use samara_policy_balanced::Balanced;
use samara_policy_kraken::Kraken;
use samara_policy_least_loaded::LeastLoaded;
use samara_policy_rack_local::RackLocal;
use samara_policy_random::Random;
use samara_policy_rarest_first::RarestFirst;
use samara_policy_sequential::Sequential;

use super::world::{ENOUGH, World};

const PEERS: usize = 12;
const CHUNKS: u32 = 200;

/// A swarm in which everybody, the origin too, has the policy; odd nodes are in one rack, even ones in
/// another. It must end without the built-in policy's help.
fn swarm(policy: impl Policy + Copy + 'static) -> World {
    let mut world = World::new(PEERS, CHUNKS, 1);
    for node in 0..=PEERS {
        world.label(node, &[["rack=even", "rack=odd"][node % 2]]);
        world.set_policy(node, 1, policy);
    }
    world.run(ENOUGH);
    let name = policy.describe().name;
    assert_eq!(world.finished(), PEERS, "{name}");
    let fallen: Vec<_> = world.nodes.iter().flat_map(|node| &node.why_fallen_back).collect();
    assert!(fallen.is_empty(), "{name} was replaced: {fallen:?}");
    world
}

/// Chunks that went from one rack to the other.
fn crossed(world: &World) -> u32 {
    let far = world.carried.iter().filter(|((from, to), _)| from % 2 != to % 2);
    far.map(|(_, chunks)| chunks).sum()
}

fn origin_sent(world: &World) -> u32 {
    world.nodes[0].chunks_sent
}

#[test]
fn nobody_is_faster_than_balanced_by_more_than_chance() {
    let balanced = swarm(Balanced).ratio();
    assert!(balanced < 1.15, "{balanced}");
    for (name, ratio, most) in [
        ("random", swarm(Random).ratio(), 1.5),
        ("rarest-first", swarm(RarestFirst).ratio(), 2.0),
        ("rack-local", swarm(RackLocal).ratio(), 1.3),
        ("least-loaded", swarm(LeastLoaded).ratio(), 2.0),
        ("kraken", swarm(Kraken).ratio(), 2.0),
    ] {
        let least = balanced * 0.98;
        assert!((least..most).contains(&ratio), "{name} {ratio}, balanced {balanced}");
    }
}

#[test]
fn in_order_takes_at_least_twice_as_long_as_balanced() {
    let (sequential, balanced) = (swarm(Sequential), swarm(Balanced));
    assert!(sequential.ratio() > 2.0 * balanced.ratio(), "{}", sequential.ratio());
}

#[test]
fn rack_local_carries_less_than_half_as_much_between_racks() {
    let (local, blind) = (crossed(&swarm(RackLocal)), crossed(&swarm(Balanced)));
    assert!(local >= CHUNKS, "each chunk crosses once: {local}");
    assert!(2 * local < blind, "{local}, blind to racks {blind}");
}

#[test]
fn without_a_first_pass_the_origin_sends_more() {
    let balanced = origin_sent(&swarm(Balanced));
    assert!(balanced < CHUNKS * 11 / 10, "{balanced}");
    for (name, sent) in
        [("random", origin_sent(&swarm(Random))), ("pull", origin_sent(&swarm(RarestFirst)))]
    {
        assert!(sent > balanced, "{name} {sent}, balanced {balanced}");
    }
}
