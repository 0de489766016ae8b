//! How much of what was written the other side's system has not acknowledged yet.
//!
//! One of the two places of the node with `unsafe` (the other is `low_water`): Linux tells the length of
//! a socket's out-queue through an ioctl that no crate wraps safely.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, Opcode, ioctl};

/// Bytes that were written to the socket and not acknowledged (`SIOCOUTQ`).
///
/// # Errors
/// When the socket is no stream socket, or has failed.
pub(super) fn unacknowledged(socket: impl AsFd) -> io::Result<usize> {
    const SIOCOUTQ: Opcode = libc::TIOCOUTQ as Opcode;
    // SAFETY: for stream sockets SIOCOUTQ is TIOCOUTQ; it writes one `int` to the given address and has
    // no other effect (tcp(7)). On any other file the kernel refuses it or answers with an `int` too.
    let length = unsafe { ioctl(socket, Getter::<SIOCOUTQ, libc::c_int>::new()) }?;
    Ok(usize::try_from(length).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn what_the_peer_has_not_taken_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut sender = TcpStream::connect(address).expect("it listens");
        let (mut receiver, _) = listener.accept().expect("a connection");
        sender.set_nonblocking(true).expect("a socket");
        let mut written = 0;
        while let Ok(n) = sender.write(&[0; 65536]) {
            written += n;
        }
        let stuck = unacknowledged(&sender).expect("a socket");
        assert!(stuck > 0 && stuck <= written);
        receiver.read_exact(&mut vec![0; written]).expect("all of it");
        while unacknowledged(&sender).expect("a socket") > 0 {
            std::thread::yield_now();
        }
    }
}
