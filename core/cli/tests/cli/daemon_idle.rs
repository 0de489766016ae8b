//! What a node costs that has nothing to do but to know a thousand others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use samara_engine::gossip::{Gossip, GossipConfig, GossipInput, GossipOutput, Member};
use samara_model::{Labels, PeerId, PeerMessage, Time};
use samara_wire::handshake::{HandshakeDecoder, HandshakeFrame, Hello, encode_first, encode_next};
use samara_wire::{cluster_hash, encode_into, unwrap_datagram, wrap_datagram};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::daemon::{Daemon, folder};
use crate::process::eventually;

const MEMBERS: usize = 1000;
/// Resident memory that a node may have, with all of them known.
const MOST_RESIDENT: u64 = 25 << 20;

/// A member without a node: real gossip over a real socket, and nothing else.
struct Identity {
    machine: Gossip,
    socket: UdpSocket,
    timers: BinaryHeap<Reverse<(Instant, u64)>>,
    born: Instant,
}

impl Identity {
    fn now(&self) -> Time {
        Time(self.born.elapsed().as_micros() as u64)
    }

    fn input(&mut self, input: GossipInput) {
        let mut outputs = Vec::new();
        self.machine.handle(self.now(), input, &mut outputs);
        for output in outputs {
            match output {
                GossipOutput::SendDatagram { to, bytes } => {
                    let datagram = wrap_datagram(cluster_hash("samara"), &bytes).expect("short");
                    let _ = self.socket.try_send_to(&datagram, to);
                }
                GossipOutput::StartTimer { token, after } => {
                    self.timers.push(Reverse((Instant::now() + after, token)));
                }
                // There is nobody to connect to: datagrams alone keep a member up.
                GossipOutput::ExchangeWith { .. }
                | GossipOutput::AnswerExchange { .. }
                | GossipOutput::Report(_) => {}
            }
        }
    }

    async fn live(mut self, over: Arc<AtomicBool>) {
        let mut bytes = [0; 2048];
        while !over.load(Ordering::Relaxed) {
            let next = self.timers.peek().map(|Reverse((at, _))| *at);
            let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            let received =
                tokio::time::timeout_at(next.into(), self.socket.recv_from(&mut bytes)).await;
            if let Ok(Ok((count, from))) = received
                && let Ok(payload) = unwrap_datagram(cluster_hash("samara"), &bytes[..count])
            {
                let bytes = payload.to_vec();
                self.input(GossipInput::DatagramReceived { from, bytes });
            }
            while let Some(Reverse((at, token))) = self.timers.peek().copied()
                && at <= Instant::now()
            {
                self.timers.pop();
                self.input(GossipInput::TimerFired { token });
            }
        }
    }
}

fn machine(member: Member, random_seed: u64) -> Gossip {
    Gossip::new(GossipConfig::default(), member, random_seed)
}

/// What `machine` would tell another one in an exchange.
fn told_by(machine: &mut Gossip, from: PeerId) -> GossipInput {
    match machine.full_state(false) {
        PeerMessage::FullState { reply, members, table, releases } => {
            GossipInput::FullStateReceived { from, reply, members, table, releases }
        }
        other => unreachable!("{other:?}"),
    }
}

/// Members that know each other and `node`, until it is over.
async fn crowd(node: Member, over: Arc<AtomicBool>) {
    let born = Instant::now();
    let mut all = Vec::new();
    for number in 0..MEMBERS {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = socket.local_addr().expect("bound");
        let peer = PeerId(*blake3::hash(&number.to_le_bytes()).as_bytes());
        let machine = machine(Member { peer, instance: 1, address }, number as u64);
        all.push((peer, Identity { machine, socket, timers: BinaryHeap::new(), born }));
    }
    for (_, one) in &mut all {
        one.input(GossipInput::Started { join: Vec::new() });
    }
    // The first hears of everybody, and tells everybody.
    let mut others: Vec<GossipInput> =
        all.iter_mut().skip(1).map(|(peer, one)| told_by(&mut one.machine, *peer)).collect();
    others.push(told_by(&mut machine(node, 0), node.peer));
    for input in others {
        all[0].1.input(input);
    }
    let directory = all[0].0;
    for at in 1..all.len() {
        let input = told_by(&mut all[0].1.machine, directory);
        all[at].1.input(input);
    }
    let everybody = all[0].1.machine.full_state(false);
    let introduced = introduce(node.address, directory, &everybody).await;
    let local = tokio::task::LocalSet::new();
    for (_, one) in all {
        local.spawn_local(one.live(over.clone()));
    }
    local.await;
    drop(introduced);
}

/// Tells the node of everybody over a connection, as a node does that has just met it. It stands until it is dropped.
async fn introduce(node: SocketAddr, peer: PeerId, everybody: &PeerMessage) -> TcpStream {
    let mut stream = TcpStream::connect(node).await.expect("it listens");
    let hello = Hello {
        cluster: "samara".into(),
        peer,
        instance: 1,
        dial: 1,
        advertise: None,
        listen_port: 1,
        capabilities: 0,
        labels: Labels::default(),
        software: "a crowd".into(),
    };
    stream.write_all(&encode_first(&HandshakeFrame::Hello(hello))).await.expect("it is open");
    let (mut decoder, mut bytes) = (HandshakeDecoder::new(), [0; 1024]);
    while decoder.next_frame().expect("the same protocol").is_none() {
        let count = stream.read(&mut bytes).await.expect("it answers");
        assert!(count > 0, "it hung up");
        decoder.feed(&bytes[..count]);
    }
    let mut said = Vec::new();
    encode_next(&HandshakeFrame::Welcome, &mut said);
    encode_into(everybody, &mut said).expect("it fits into a frame");
    stream.write_all(&said).await.expect("it is open");
    stream
}

#[test]
fn a_thousand_members_cost_an_idle_node_little_memory() {
    let folder = folder();
    let data = folder.path().join("data");
    let node = Daemon::start(&data, &[]);
    let status = node.json(&["status"]);
    let text = |key: &str| status[key].as_str().expect("text").to_owned();
    let address: SocketAddr = node.address.parse().expect("an address");
    let instance = fs::read_to_string(data.join("state/instance")).expect("text");
    let instance = instance.trim().parse().expect("a number");
    let member = Member { peer: text("peer").parse().expect("an id"), instance, address };
    let over = Arc::new(AtomicBool::new(false));
    let ends = over.clone();
    let crowd = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(crowd(member, ends));
    });
    let members = || node.json(&["status"])["members"].as_u64().expect("a number");
    eventually("it knows a thousand", || members() as usize > MEMBERS);
    let cost = || {
        let process = node.json(&["status"])["process"].clone();
        let cpu = process["cpu_seconds"].as_f64().expect("seconds");
        (cpu, process["resident_bytes"].as_u64().expect("bytes"))
    };
    let seconds: u64 =
        std::env::var("SAMARA_IDLE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let before = cost();
    thread::park_timeout(Duration::from_secs(seconds));
    let after = cost();
    println!(
        "{} members, {seconds} s: {:.2} s of a processor, {} KiB resident",
        members(),
        after.0 - before.0,
        after.1 >> 10
    );
    over.store(true, Ordering::Relaxed);
    crowd.join().expect("the crowd has no faults");
    assert!(after.1 <= MOST_RESIDENT, "{} bytes resident", after.1);
}
