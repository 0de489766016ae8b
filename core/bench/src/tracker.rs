//! The smallest BitTorrent tracker that works (BEP 3 and 23): announces over HTTP, one swarm, no expiry.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    failure::{Doing, Failure, Result},
    interrupt,
    namespace::Namespace,
};

/// Peers ask again so often.
const INTERVAL_SECONDS: u32 = 2;

type Peers = Arc<Mutex<BTreeSet<SocketAddrV4>>>;

/// A running tracker; it stops when dropped.
pub struct Tracker {
    peers: Peers,
    stop: Arc<AtomicBool>,
}

impl Tracker {
    /// Listens on `address` inside `namespace`.
    pub fn start(namespace: &Namespace, address: SocketAddr) -> Result<Self> {
        let listener = namespace.enter(|| TcpListener::bind(address))?;
        let listener = listener.doing(|| format!("listening on {address} for the tracker"))?;
        listener.set_nonblocking(true).doing(|| "preparing the tracker's socket".into())?;
        let (peers, stop) = (Peers::default(), Arc::new(AtomicBool::new(false)));
        let tracker = Self { peers: Arc::clone(&peers), stop: Arc::clone(&stop) };
        thread::spawn(move || accept(&listener, &peers, &stop));
        Ok(tracker)
    }

    /// Waits until so many have announced themselves.
    pub fn await_peers(&self, count: usize) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.peers.lock().unwrap_or_else(PoisonError::into_inner).len() < count {
            interrupt::check()?;
            if Instant::now() > deadline {
                return Err(Failure::because("nobody announced itself to the tracker in 20 s"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn accept(listener: &TcpListener, peers: &Peers, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, SocketAddr::V4(from))) => {
                let peers = Arc::clone(peers);
                thread::spawn(move || serve(stream, *from.ip(), &peers));
            }
            _ => thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Answers one request and closes. A client that fails here asks again by itself.
fn serve(mut stream: TcpStream, from: Ipv4Addr, peers: &Peers) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 16 << 10 {
        let mut chunk = [0; 2048];
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            count => request.extend_from_slice(&chunk[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let body = answer(request.lines().next()?, from, peers)?;
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(&[head.into_bytes(), body].concat()).ok()
}

/// The bencoded answer to `GET /announce?port=…&event=… HTTP/1.1`: everybody but the one who asks.
fn answer(request_line: &str, from: Ipv4Addr, peers: &Peers) -> Option<Vec<u8>> {
    let (_, query) = request_line.split(' ').nth(1)?.split_once('?')?;
    let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key));
    let ip = value("ip=").and_then(|ip| ip.parse().ok()).unwrap_or(from);
    let asking = SocketAddrV4::new(ip, value("port=")?.parse().ok()?);
    let mut known = peers.lock().unwrap_or_else(PoisonError::into_inner);
    if value("event=") == Some("stopped") {
        known.remove(&asking);
    } else {
        known.insert(asking);
    }
    let others = known.iter().filter(|peer| **peer != asking);
    let compact: Vec<u8> = others
        .flat_map(|peer| {
            let ([a, b, c, d], [high, low]) = (peer.ip().octets(), peer.port().to_be_bytes());
            [a, b, c, d, high, low]
        })
        .collect();
    let head = format!(
        "d8:intervali{INTERVAL_SECONDS}e12:min intervali{INTERVAL_SECONDS}e5:peers{}:",
        compact.len()
    );
    Some([head.as_bytes(), &compact, b"e"].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    #[test]
    fn the_second_peer_learns_of_the_first() {
        let peers = Peers::default();
        let line = "GET /announce?info_hash=%01&port=6881&compact=1 HTTP/1.1";
        assert_eq!(answer(line, A, &peers).unwrap(), b"d8:intervali2e12:min intervali2e5:peers0:e");
        let second = answer("GET /announce?port=258&x=1 HTTP/1.1", B, &peers).unwrap();
        assert_eq!(second, b"d8:intervali2e12:min intervali2e5:peers6:\x0a\0\0\x01\x1a\xe1e");
    }

    #[test]
    fn a_given_address_counts_and_stopping_forgets() {
        let peers = Peers::default();
        answer("GET /a?port=1&ip=10.9.9.9 HTTP/1.1", A, &peers).unwrap();
        assert!(peers.lock().unwrap().contains(&SocketAddrV4::new(Ipv4Addr::new(10, 9, 9, 9), 1)));
        answer("GET /a?port=1&ip=10.9.9.9&event=stopped HTTP/1.1", A, &peers).unwrap();
        assert!(peers.lock().unwrap().is_empty());
    }

    #[test]
    fn nonsense_is_not_answered() {
        for line in ["", "GET /announce HTTP/1.1", "GET /announce?port=x HTTP/1.1"] {
            assert_eq!(answer(line, A, &Peers::default()), None);
        }
    }
}
