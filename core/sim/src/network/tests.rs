use super::*;
use proptest::prelude::*;
use samara_policy::Random;

/// Nodes with an uplink and a downlink each, in racks with an uplink and a downlink each.
fn racks(nodes: u32, racks: u32, rack_capacity: f64, random: &mut Random) -> Vec<f64> {
    let mut capacity = Vec::new();
    for _ in 0..nodes {
        let slow = if random.below(20) == 0 { 0.25 } else { 1.0 };
        capacity.extend([slow, 1.0]);
    }
    capacity.extend(std::iter::repeat_n(rack_capacity, 2 * racks as usize));
    capacity
}

fn path(nodes: u32, racks: u32, from: u32, to: u32) -> Vec<LinkIndex> {
    let mut path = vec![2 * from, 2 * to + 1];
    if racks > 0 && from % racks != to % racks {
        path.extend([2 * nodes + 2 * (from % racks), 2 * nodes + 2 * (to % racks) + 1]);
    }
    path
}

/// Starts and ends flows at random and looks at every step; returns the largest error of a rate and the
/// mean error of what runs in all.
fn errors(nodes: u32, rack_count: u32, per_node: u32, steps: u32, random_seed: u64) -> (f64, f64) {
    let mut random = Random::new(random_seed);
    let capacity =
        racks(nodes, rack_count, f64::from(nodes / rack_count.max(1)) / 4.0, &mut random);
    let mut network = Network::new(capacity, Sharing::Local);
    let (mut running, mut now) = (Vec::new(), 0);
    let (mut worst, mut sum_error, mut sums) = (0.0f64, 0.0, 0.0);
    for step in 0..steps {
        now += 10;
        if running.len() as u32 >= nodes * per_node {
            let gone = running.swap_remove(random.below(running.len() as u32) as usize);
            network.stop(now, gone);
        }
        let (from, to) = (random.below(nodes), random.below(nodes));
        if from != to {
            running.push(network.start(now, &path(nodes, rack_count, from, to), 1e9));
        }
        let over = network.links().map(|link| network.used(link) / network.capacity(link));
        assert!(over.fold(0.0, f64::max) <= 1.0 + 1e-9, "above a capacity at step {step}");
        if step % 50 == 0 {
            let exact = network.exact_rates();
            let (mut is, mut should) = (0.0, 0.0);
            for (flow, rate) in exact {
                worst = worst.max((network.rate(flow) - rate).abs() / rate);
                is += network.rate(flow);
                should += rate;
            }
            sum_error += (is - should).abs() / should.max(1e-9);
            sums += 1.0;
        }
    }
    (worst, sum_error / sums)
}

#[test]
fn local_rates_stay_within_two_per_cent_of_exact_and_below_every_capacity() {
    for (nodes, racks, per_node) in [(64, 0, 4), (120, 0, 2), (100, 5, 4), (96, 8, 6)] {
        for random_seed in 0..2 {
            let (worst, sum) = errors(nodes, racks, per_node, 3000, random_seed);
            assert!(worst <= 0.02, "{nodes} nodes, {racks} racks: a rate is {worst:.4} off");
            assert!(sum <= 0.005, "{nodes} nodes, {racks} racks: the sum is {sum:.4} off");
        }
    }
}

#[test]
fn four_flows_share_an_uplink_and_one_takes_what_the_others_cannot() {
    let mut network = Network::new(vec![8.0, 1.0, 8.0, 8.0], Sharing::Exact);
    let slow = network.start(0, &[0, 1], 100.0);
    let fast = network.start(0, &[0, 2], 700.0);
    assert_eq!((network.rate(slow), network.rate(fast)), (1.0, 7.0));
    assert_eq!(network.next(), Some((100, slow)));
    let left = network.stop(50, slow);
    assert_eq!(left, 50.0);
    assert_eq!(network.rate(fast), 8.0);
    // 350 bytes at 7 and 350 at 8.
    assert_eq!(network.next(), Some((50 + 44, fast)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn exact_rates_are_max_min_fair(
        random_seed: u64,
        nodes in 2u32..20,
        racks_or_none in 0u32..4,
        flows in 1usize..60,
    ) {
        let mut random = Random::new(random_seed);
        let capacity = racks(nodes, racks_or_none, 1.5, &mut random);
        let mut network = Network::new(capacity, Sharing::Exact);
        for _ in 0..flows {
            let (from, to) = (random.below(nodes), random.below(nodes));
            if from != to {
                network.start(0, &path(nodes, racks_or_none, from, to), 1.0);
            }
        }
        for (flow, rate) in network.exact_rates() {
            // Max-min: on its way is a full link where nobody gets more.
            let bottleneck = network.flows[flow as usize].path().iter().any(|link| {
                let full = network.used(*link) >= network.capacity(*link) * (1.0 - 1e-9);
                let most = network.on_link[*link as usize].iter();
                let most = most.map(|other| network.rate(*other)).fold(0.0, f64::max);
                full && rate >= most * (1.0 - 1e-9)
            });
            prop_assert!(bottleneck);
        }
    }
}
