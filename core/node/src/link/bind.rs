//! One port for TCP and UDP.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// Tries for a free port that both protocols have. Ports in use by UDP are few.
const TRIES: usize = 32;
/// Connections that may wait to be accepted: a thousand nodes may start at once.
const BACKLOG: i32 = 1024;

/// The node cannot listen. Nothing stays bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error(
        "cannot listen on {listen}: another process has this {protocol} port; \
         is a node already running? Choose another port, or 0 for any free one"
    )]
    InUse {
        /// The address asked for.
        listen: SocketAddr,
        /// TCP or UDP.
        protocol: &'static str,
    },
    /// Anything else, for example an address that this machine does not have.
    #[error(
        "cannot listen on {listen} ({protocol}): choose an address that this machine has, and a port that the \
         node's user may have; those below 1024 are for root"
    )]
    Refused {
        /// The address asked for.
        listen: SocketAddr,
        /// TCP or UDP.
        protocol: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A TCP listener and a UDP socket with one port, both non-blocking.
#[derive(Debug)]
pub struct BoundPair {
    /// For [`super::Links::start`].
    pub tcp: TcpListener,
    /// For gossip.
    pub udp: UdpSocket,
    /// Their address, with the port that was found.
    pub address: SocketAddr,
}

/// Binds TCP and UDP to `listen`; with port 0, to one free port. `[::]` also takes IPv4.
///
/// # Errors
/// When the port is taken or the address is not of this machine.
pub fn bind_pair(listen: SocketAddr) -> Result<BoundPair, BindError> {
    let mut tries = if listen.port() == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match bind_once(listen) {
            Err(BindError::InUse { protocol: "UDP", .. }) if tries > 0 => {}
            outcome => return outcome,
        }
    }
}

fn bind_once(listen: SocketAddr) -> Result<BoundPair, BindError> {
    let tcp = bind_tcp(listen).map_err(|source| refused(listen, "TCP", source))?;
    let address = tcp.local_addr().map_err(|source| refused(listen, "TCP", source))?;
    let udp = bind_udp(address).map_err(|source| refused(address, "UDP", source))?;
    Ok(BoundPair { tcp, udp, address })
}

fn bind_tcp(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket_for(listen, Type::STREAM, Protocol::TCP)?;
    // A node that restarts must get its port back while old connections linger.
    socket.set_reuse_address(true)?;
    socket.bind(&listen.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_udp(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket_for(listen, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&listen.into())?;
    Ok(socket.into())
}

fn socket_for(listen: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(listen), kind, Some(protocol))?;
    if listen.is_ipv6() {
        socket.set_only_v6(listen.ip() != Ipv6Addr::UNSPECIFIED)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn refused(listen: SocketAddr, protocol: &'static str, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { listen, protocol },
        _ => BindError::Refused { listen, protocol, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().expect("an address"), 0)
    }

    #[test]
    fn both_protocols_get_one_port() {
        for ip in ["127.0.0.1", "0.0.0.0", "::1", "::"] {
            let pair = bind_pair(any(ip)).expect("a free port");
            let udp = pair.udp.local_addr().expect("it is bound");
            assert_eq!(udp.port(), pair.address.port(), "{ip}");
        }
    }

    #[test]
    fn the_unspecified_v6_address_takes_v4_too() {
        let pair = bind_pair(any("::")).expect("a free port");
        let v4 = SocketAddr::new("127.0.0.1".parse().expect("an address"), pair.address.port());
        std::net::TcpStream::connect(v4).expect("dual stack");
    }

    #[test]
    fn a_port_in_use_is_named() {
        let first = bind_pair(any("127.0.0.1")).expect("a free port");
        let error = bind_pair(first.address).expect_err("it is taken");
        assert!(error.to_string().contains("another process has this TCP port"), "{error}");
        let BoundPair { tcp, udp: _udp, address } = first;
        drop(tcp);
        let error = bind_pair(address).expect_err("UDP is still taken");
        assert!(error.to_string().contains("UDP port"), "{error}");
    }
}
