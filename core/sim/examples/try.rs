fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let seeds: Vec<u64> = args[2..].iter().map(|a| a.parse().unwrap()).collect();
    let scenario = samara_sim::Scenario::parse(&text).unwrap();
    for seed in if seeds.is_empty() { vec![1] } else { seeds } {
        let t = std::time::Instant::now();
        let report = samara_sim::run(&scenario, seed, &mut |_| ());
        println!("seed {seed} wall {:.1}s events {} questions {} maxflows {} hash {}", t.elapsed().as_secs_f64(), report.events, report.questions, report.most_transfers, report.trace_hash);
        println!("{:?}", report.figures);
        println!("{:?}", report.losses);
        println!("broken {:?} unmet {:?}", report.broken, report.unmet);
    }
}
