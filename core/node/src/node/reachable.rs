//! Where others can dial this node, when it listens on all addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// The address of this machine that reaches the join addresses, when `listen` is all of them. Connecting a
/// UDP socket sends nothing; it asks the routing table.
pub fn reachable(listen: SocketAddr, join: &[SocketAddr]) -> SocketAddr {
    if !listen.ip().is_unspecified() {
        return listen;
    }
    // TEST-NET-1: no such host; the route to it is the default route.
    let anywhere = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let through = |to: &SocketAddr| -> Option<IpAddr> {
        let any: IpAddr =
            if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(to).ok()?;
        socket.local_addr().ok().map(|local| local.ip())
    };
    let ip = join.iter().chain([&anywhere]).find_map(through);
    SocketAddr::new(ip.unwrap_or(Ipv4Addr::LOCALHOST.into()), listen.port())
}
