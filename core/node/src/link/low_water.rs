//! From how many waiting bytes on the system wakes the reader.
//!
//! On a slow link a piece of 64 KiB comes in 45 packets, and each would wake the reader: most of a node's
//! processor time then goes into waking up. Inside a piece nothing else can come, so the reader asks to be
//! woken when a good part of it is there.
//!
//! It has a price: as long as less waits than that, the kernel acknowledges every second packet, because it
//! takes it that the reader needs more to come; otherwise it does so when the reader reads (`tcp_input.c`,
//! `__tcp_ack_snd_check`). Where readers sleep for long moments anyway ([`Naps`]), the low-water mark saves no
//! wake-up, and costs half a percent of a link and twice the acknowledgements.
//!
//! One of the two places of the node with `unsafe` (the other is `outqueue`): no crate wraps this socket
//! option.

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::io::AsyncRead;
use tokio::net::tcp::OwnedReadHalf;

/// Whether the thread that reads naps for so long between two looks that wake-ups need not be held back.
/// Whoever makes it nap says so.
#[derive(Debug, Default)]
pub struct Naps(AtomicBool);

impl Naps {
    /// Naps are long, or not, from now on.
    pub fn are_long(&self, long: bool) {
        self.0.store(long, Relaxed);
    }

    /// From how many waiting bytes on to wake a reader to whom `wanted` are worth it.
    pub(super) fn wake_at(&self, wanted: usize) -> usize {
        if self.0.load(Relaxed) { 1 } else { wanted }
    }
}

/// A stream that can be told when to wake its reader.
pub(super) trait LowWater: AsyncRead {
    /// Wakes the reader when this many bytes wait, or the other side is done. At least one.
    fn wake_at(&self, bytes: usize);
}

impl LowWater for OwnedReadHalf {
    /// A system that refuses wakes more often, and nothing else changes.
    fn wake_at(&self, bytes: usize) {
        let value = libc::c_int::try_from(bytes.max(1)).unwrap_or(libc::c_int::MAX);
        let socket: &tokio::net::TcpStream = self.as_ref();
        let length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: the descriptor is open for as long as `self` is borrowed, and the option's value is one
        // `int` that lives until the call returns; the kernel only reads it (socket(7)).
        unsafe {
            libc::setsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_RCVLOWAT,
                (&raw const value).cast(),
                length,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_reader_sleeps_until_enough_bytes_are_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut sender, receiver) = (dialled.expect("it listens"), accepted.expect("one").0);
        let (mut reading, _writing) = receiver.into_split();
        reading.wake_at(1000);
        // A new socket counts as readable until a read has failed.
        assert!(reading.try_read(&mut [0]).is_err());
        sender.write_all(&[1; 600]).await.expect("open");
        let early = tokio::time::timeout(std::time::Duration::from_millis(50), reading.readable());
        assert!(early.await.is_err(), "woken by 600 of 1000 bytes");
        sender.write_all(&[2; 400]).await.expect("open");
        let mut all = [0; 1000];
        reading.read_exact(&mut all).await.expect("all of it");
    }
}
