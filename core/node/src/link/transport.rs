//! The sending half of a connection, and how the bytes of files get onto it.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::fs::sendfile;
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use rustix::net::{SendFlags, send};
use tokio::io::Interest;
use tokio::net::tcp::OwnedWriteHalf;

use super::outqueue;

/// What became of [`Transport::send_file_range`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentRange {
    /// This many bytes went out, at least one.
    Bytes(usize),
    /// The file ends before the range does.
    EndOfFile,
    /// This transport or this file cannot do it: read the bytes and send them.
    CopyInstead,
}

/// The sending half of one connection. Each method does a part of what is asked, as soon as it can, and
/// is cancel safe: a future that is dropped has sent nothing.
pub trait Transport: Send + 'static {
    /// Sends some of `bytes`; `more` says that others follow at once.
    fn send(&self, bytes: &[u8], more: bool) -> impl Future<Output = io::Result<usize>> + Send;

    /// Sends some of the `len` bytes at `offset`, without copying them through this process where that
    /// is possible. Blocks while bytes come from the disk: ask `PageCache` first.
    fn send_file_range(
        &self,
        file: &File,
        offset: u64,
        len: usize,
    ) -> impl Future<Output = io::Result<SentRange>> + Send;

    /// Bytes that were sent and that the other side's system has not acknowledged.
    ///
    /// # Errors
    /// When the connection is gone.
    fn unacknowledged(&self) -> io::Result<usize>;
}

/// Plain TCP.
#[derive(Debug)]
pub(super) struct TcpTransport(pub OwnedWriteHalf);

impl Transport for TcpTransport {
    async fn send(&self, bytes: &[u8], more: bool) -> io::Result<usize> {
        let flags = if more { SendFlags::NOSIGNAL | SendFlags::MORE } else { SendFlags::NOSIGNAL };
        let stream = self.0.as_ref();
        stream.async_io(Interest::WRITABLE, || Ok(send(stream, bytes, flags)?)).await
    }

    async fn send_file_range(&self, file: &File, offset: u64, len: usize) -> io::Result<SentRange> {
        let stream = self.0.as_ref();
        let sent = stream.async_io(Interest::WRITABLE, || {
            let mut offset = offset;
            Ok(sendfile(stream, file, Some(&mut offset), len)?)
        });
        match sent.await {
            Ok(0) => Ok(SentRange::EndOfFile),
            Ok(sent) => Ok(SentRange::Bytes(sent)),
            Err(error) if cannot_sendfile(&error) => Ok(SentRange::CopyInstead),
            Err(error) => Err(error),
        }
    }

    fn unacknowledged(&self) -> io::Result<usize> {
        outqueue::unacknowledged(self.0.as_ref())
    }
}

fn cannot_sendfile(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP].iter().any(|e| code == Some(e.raw_os_error()))
}

/// Tells whether reading a file would wait for a disk.
#[derive(Debug, Default)]
pub(super) struct PageCache {
    /// The last file that was found to lie in memory as a whole.
    in_memory: Option<Arc<File>>,
}

impl PageCache {
    /// Whether the range can be read without waiting: its first and last page are in memory (the kernel
    /// reads ahead in between). False also where the file system cannot tell.
    pub fn has(&mut self, file: &Arc<File>, offset: u64, len: usize) -> bool {
        if self.in_memory.as_ref().is_some_and(|known| Arc::ptr_eq(known, file)) {
            return true;
        }
        let last = offset + (len as u64).saturating_sub(1);
        match is_byte_cached(file, offset) {
            Ok(first) => first && is_byte_cached(file, last).unwrap_or(false),
            Err(_) => self.lies_in_memory(file),
        }
    }

    /// Memory-backed file systems do not answer the question, and never wait.
    fn lies_in_memory(&mut self, file: &Arc<File>) -> bool {
        const TMPFS: u32 = 0x0102_1994;
        const RAMFS: u32 = 0x8584_58f6;
        let kind = rustix::fs::fstatfs(file).map(|fs| fs.f_type as u32);
        let lies = kind.is_ok_and(|kind| [TMPFS, RAMFS].contains(&kind));
        self.in_memory = lies.then(|| file.clone());
        lies
    }
}

fn is_byte_cached(file: &File, offset: u64) -> rustix::io::Result<bool> {
    let mut byte = [0];
    match preadv2(file, &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT) {
        Ok(_) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads a range into memory. Blocks.
///
/// # Errors
/// Also when the file ends before the range does.
pub(super) fn read_range(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (dialled, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (dialled.expect("it listens"), accepted.expect("a connection").0)
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).expect("room for it");
        file
    }

    #[tokio::test]
    async fn a_range_of_a_file_arrives_as_it_is() {
        let (dialled, mut accepted) = pair().await;
        let transport = TcpTransport(dialled.into_split().1);
        let file = file_of(b"0123456789");
        assert_eq!(transport.send(b"<", true).await.expect("open"), 1);
        let sent = transport.send_file_range(&file, 3, 4).await.expect("open");
        assert_eq!(sent, SentRange::Bytes(4));
        let beyond = transport.send_file_range(&file, 10, 4).await.expect("open");
        assert_eq!(beyond, SentRange::EndOfFile);
        let mut got = [0; 5];
        accepted.read_exact(&mut got).await.expect("five bytes");
        assert_eq!(&got, b"<3456");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_sent_is_copied_instead() {
        let (dialled, _accepted) = pair().await;
        let transport = TcpTransport(dialled.into_split().1);
        let folder = File::open("/").expect("there is a root");
        let sent = transport.send_file_range(&folder, 0, 4).await.expect("open");
        assert_eq!(sent, SentRange::CopyInstead);
    }

    #[test]
    fn what_was_just_written_is_in_memory() {
        let file = Arc::new(file_of(b"0123456789"));
        assert!(PageCache::default().has(&file, 0, 10));
        let in_memory = tempfile::tempfile_in("/dev/shm").expect("a temporary file");
        let (in_memory, mut pages) = (Arc::new(in_memory), PageCache::default());
        assert!(pages.has(&in_memory, 0, 1) && pages.has(&in_memory, 7, 1));
        assert_eq!(read_range(&file_of(b"0123456789"), 8, 2).expect("it is there"), b"89");
        assert!(read_range(&file_of(b"0123456789"), 8, 3).is_err());
    }
}
