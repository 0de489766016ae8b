//! The network of one run: a star of shaped links around a bridge, or plain loopback, always in
//! namespaces of our own, so that the machine's network is neither used nor changed.
//!
//! Why each number is what it is:
//! - tbf on both ends of a link: the node's side is its upload, the bridge port's side its download.
//! - Burst: 20 ms of the rate, at least 32 kB, so that one segmented burst of a sender fits.
//! - Queue on the node's side: 2 MiB, so that TCP's own small-queue rule holds the sender back, not a
//!   drop. On the bridge's side 50 ms, at least 128 KiB: a real switch port drops.
//! - cubic everywhere, and `tcp_tso_rtt_log=0`, else the tiny round trip makes bursts of 64 KiB.
//! - No firewall hooks on the bridge, where the machine has them loaded: a switch has none, and they cost
//!   each packet several per cent of the processor.
//! - Permanent neighbour and forwarding entries: all namespaces share one ARP table, which a full mesh
//!   of 31 nodes overflows; permanent entries do not count there, so nothing outside need be raised.

use std::{net::Ipv4Addr, process::Command};

use samara_model::BytesPerSecond;

use crate::{
    counters::PortCounters,
    cubic::CubicAllowed,
    failure::Result,
    namespace::{Namespace, NamespaceSet},
};

/// One machine of the network. Index 0 is the origin, 1.. are the peers.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its position, which its names and addresses are made from.
    pub index: usize,
    /// Where it is reached.
    pub address: Ipv4Addr,
    namespace: Namespace,
}

/// A network that lives as long as this value.
pub struct Network {
    nodes: Vec<Node>,
    hub: Namespace,
    rates: Vec<BytesPerSecond>,
    _namespaces: NamespaceSet,
}

/// The address of the hub, outside of every shaped link: the tracker of rivals listens here.
pub const HUB_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 255, 254);

impl Network {
    /// A star with one shaped link per entry of `rates`, the origin's first.
    pub fn shaped(rates: &[BytesPerSecond]) -> Result<Self> {
        let mut names = vec!["hub".to_string()];
        names.extend((0..rates.len()).map(|index| format!("n{index:02}")));
        let _permission = CubicAllowed::begin()?;
        let namespaces = NamespaceSet::create(&names)?;
        let hub = namespaces.namespace(0);
        let nodes: Vec<Node> =
            (0..rates.len()).map(|index| node(index, namespaces.namespace(index + 1))).collect();
        build_hub(&hub, &nodes)?;
        for node in &nodes {
            build_node(node, nodes.len(), rates[node.index])?;
        }
        shape_ports(&hub, rates)?;
        Ok(Self { nodes, hub, rates: rates.to_vec(), _namespaces: namespaces })
    }

    /// `nodes` addresses on the loopback device of one namespace: as fast as the machine can.
    pub fn unshaped(nodes: usize) -> Result<Self> {
        let _permission = CubicAllowed::begin()?;
        let namespaces = NamespaceSet::create(&["lo".to_string()])?;
        let hub = namespaces.namespace(0);
        let nodes: Vec<Node> = (0..nodes).map(|index| node(index, hub.clone())).collect();
        let mut script = format!("link set lo up\naddress add {HUB_ADDRESS}/32 dev lo\n");
        for node in &nodes {
            script += &format!("address add {}/32 dev lo\n", node.address);
        }
        hub.batch("ip", &script)?;
        set_tcp_parameters(&hub)?;
        Ok(Self { nodes, hub, rates: Vec::new(), _namespaces: namespaces })
    }

    /// All nodes, the origin first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node that has the file.
    pub fn origin(&self) -> &Node {
        &self.nodes[0]
    }

    /// The nodes that want it.
    pub fn peers(&self) -> &[Node] {
        &self.nodes[1..]
    }

    /// The namespace in the middle.
    pub fn hub(&self) -> &Namespace {
        &self.hub
    }

    /// The rate of a node's link, `None` where nothing is shaped.
    pub fn rate(&self, node: usize) -> Option<BytesPerSecond> {
        self.rates.get(node).copied()
    }

    /// The byte counters of the bridge's ports, `None` where there is no bridge.
    pub fn counters(&self) -> Result<Option<PortCounters>> {
        if self.rates.is_empty() {
            return Ok(None);
        }
        PortCounters::open(&self.hub).map(Some)
    }
}

impl Node {
    /// Its name in logs and folders.
    pub fn name(&self) -> String {
        if self.index == 0 { "origin".into() } else { format!("peer-{:02}", self.index) }
    }

    /// The namespace that it runs in.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Starts a process on this node.
    pub fn spawn(&self, command: &mut Command) -> Result<std::io::Result<std::process::Child>> {
        self.namespace.enter(|| command.spawn())
    }
}

/// The name of a node's port on the bridge.
pub fn port_name(node: usize) -> String {
    format!("port{node}")
}

fn node(index: usize, namespace: Namespace) -> Node {
    Node { index, address: address_of(index), namespace }
}

fn address_of(index: usize) -> Ipv4Addr {
    let [high, low] =
        u16::try_from(index + 1).expect("far fewer nodes than addresses").to_be_bytes();
    Ipv4Addr::new(10, 77, high, low)
}

fn hardware_address(index: usize) -> String {
    let [.., high, low] = index.to_be_bytes();
    format!("02:53:42:00:{high:02x}:{low:02x}")
}

/// The hub's own place in the numbering of hardware addresses.
const HUB_INDEX: usize = 0xfffe;

fn build_hub(hub: &Namespace, nodes: &[Node]) -> Result<()> {
    let mut links = format!(
        "link set lo up\nlink add br0 address {} type bridge mcast_snooping 0\n\
         address add {HUB_ADDRESS}/16 dev br0\nlink set br0 up\n",
        hardware_address(HUB_INDEX)
    );
    let mut forwarding = String::new();
    for node in nodes {
        let (port, hardware) = (port_name(node.index), hardware_address(node.index));
        links += &format!(
            "link add {port} type veth peer name eth0 netns {} address {hardware}\n\
             link set {port} master br0 up\nneighbour add {} lladdr {hardware} dev br0\n",
            node.namespace.name(),
            node.address,
        );
        forwarding += &format!("fdb replace {hardware} dev {port} master static\n");
    }
    hub.batch("ip", &links)?;
    hub.batch("bridge", &forwarding)?;
    for family in ["iptables", "ip6tables", "arptables"] {
        hub.set_kernel_parameter(&format!("net/bridge/bridge-nf-call-{family}"), "0")?;
    }
    set_tcp_parameters(hub)
}

fn build_node(node: &Node, nodes: usize, rate: BytesPerSecond) -> Result<()> {
    let mut script = format!(
        "link set lo up\naddress add {}/16 dev eth0\nlink set eth0 up\n\
         route add 224.0.0.0/4 dev eth0\nneighbour add {HUB_ADDRESS} lladdr {} dev eth0\n",
        node.address,
        hardware_address(HUB_INDEX),
    );
    for other in (0..nodes).filter(|&other| other != node.index) {
        let (address, hardware) = (address_of(other), hardware_address(other));
        script += &format!("neighbour add {address} lladdr {hardware} dev eth0\n");
    }
    node.namespace.batch("ip", &script)?;
    node.namespace.batch("tc", &upload_filter(rate))?;
    set_tcp_parameters(&node.namespace)
}

fn shape_ports(hub: &Namespace, rates: &[BytesPerSecond]) -> Result<()> {
    let script: String =
        rates.iter().enumerate().map(|(node, rate)| download_filter(node, *rate)).collect();
    hub.batch("tc", &script)
}

fn upload_filter(rate: BytesPerSecond) -> String {
    token_bucket("eth0", rate, 2 << 20)
}

fn download_filter(node: usize, rate: BytesPerSecond) -> String {
    token_bucket(&port_name(node), rate, (rate.0 / 20).max(128 << 10))
}

fn token_bucket(device: &str, rate: BytesPerSecond, queue: u64) -> String {
    let burst = (rate.0 / 50).max(32_000);
    let bits = rate.0 * 8;
    format!("qdisc add dev {device} root tbf rate {bits}bit burst {burst} limit {queue}\n")
}

fn set_tcp_parameters(namespace: &Namespace) -> Result<()> {
    namespace.set_kernel_parameter("net/ipv4/tcp_congestion_control", "cubic")?;
    namespace.set_kernel_parameter("net/ipv4/tcp_tso_rtt_log", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_link_keeps_room_for_one_burst() {
        let rate = BytesPerSecond(10_000_000 / 8);
        assert_eq!(
            upload_filter(rate),
            "qdisc add dev eth0 root tbf rate 10000000bit burst 32000 limit 2097152\n"
        );
        assert_eq!(
            download_filter(3, rate),
            "qdisc add dev port3 root tbf rate 10000000bit burst 32000 limit 131072\n"
        );
    }

    #[test]
    fn every_node_has_its_own_addresses() {
        assert_eq!(address_of(0), Ipv4Addr::new(10, 77, 0, 1));
        assert_eq!(address_of(255), Ipv4Addr::new(10, 77, 1, 0));
        assert_eq!(hardware_address(256), "02:53:42:00:01:00");
    }
}
