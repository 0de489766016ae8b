//! Chunk bodies: from the page cache where they lie there, by way of memory where not.

use std::io;

use samara_store::FileRange;
use tokio::time::Instant;

use super::{Writer, broken};
use crate::link::serving::{Rest, Source};
use crate::link::transport::{SentRange, Transport, read_range};
use crate::link::{CloseReason, DiskOp, LinkRouter};

/// Sent in place of bytes that have vanished, to complete a piece whose length was promised.
const ZEROS: [u8; 4096] = [0; 4096];

/// A file no longer has the bytes that were promised.
pub(super) struct Vanished(pub io::Error);

impl<T: Transport, R: LinkRouter> Writer<T, R> {
    /// Sends `length` bytes of the chunk; when the file does not have them any more, zeros instead: the
    /// receiver gets a piece as long as promised, and never the whole chunk.
    pub(super) async fn send_body(
        &mut self,
        rest: &mut Rest,
        length: usize,
    ) -> Result<Result<(), Vanished>, CloseReason> {
        let end = rest.sent + length as u32;
        while rest.sent < end {
            let most = (end - rest.sent) as usize;
            match self.send_part(rest, most).await? {
                Ok(sent) => {
                    rest.wrote(sent);
                    self.wrote_payload(sent);
                }
                Err(vanished) => {
                    self.send_zeros(most).await?;
                    return Ok(Err(vanished));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Sends up to `most` bytes from wherever they lie.
    async fn send_part(
        &mut self,
        rest: &Rest,
        most: usize,
    ) -> Result<Result<usize, Vanished>, CloseReason> {
        if let Source::Memory(bytes) = &rest.source {
            let start = rest.sent as usize;
            let part = &bytes[start..start + most];
            return Ok(Ok(attending!(self, self.transport.send(part, false)).map_err(broken)?));
        }
        let Some(range) = rest.next_range(most) else {
            return Ok(Err(Vanished(io::ErrorKind::UnexpectedEof.into())));
        };
        let (file, offset, len) = (&range.file, range.offset, range.len as usize);
        if self.pages.has(file, offset, len) {
            let sent = attending!(self, self.transport.send_file_range(file, offset, len));
            match sent.map_err(broken)? {
                SentRange::Bytes(sent) => return Ok(Ok(sent)),
                SentRange::EndOfFile => {
                    return Ok(Err(Vanished(io::ErrorKind::UnexpectedEof.into())));
                }
                SentRange::CopyInstead => {}
            }
        }
        self.send_copy(range).await
    }

    /// Reads a range where waiting for the disk is allowed, and sends it from memory.
    async fn send_copy(
        &mut self,
        range: FileRange,
    ) -> Result<Result<usize, Vanished>, CloseReason> {
        let FileRange { file, offset, len } = range;
        let router = self.router.clone();
        let mut reading = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let read = read_range(&file, offset, len as usize);
            router.disk_used(DiskOp::Read, u64::from(len), began.elapsed());
            read
        });
        match attending!(self, &mut reading).unwrap_or_else(|error| Err(error.into())) {
            Ok(bytes) => {
                self.send_all(&bytes).await?;
                Ok(Ok(bytes.len()))
            }
            Err(error) => Ok(Err(Vanished(error))),
        }
    }

    async fn send_all(&mut self, bytes: &[u8]) -> Result<(), CloseReason> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = attending!(self, self.transport.send(rest, false)).map_err(broken)?;
            rest = &rest[sent..];
        }
        Ok(())
    }

    async fn send_zeros(&mut self, count: usize) -> Result<(), CloseReason> {
        let mut left = count;
        while left > 0 {
            let step = left.min(ZEROS.len());
            self.send_all(&ZEROS[..step]).await?;
            self.wrote_payload(step);
            left -= step;
        }
        Ok(())
    }

    fn wrote_payload(&mut self, bytes: usize) {
        self.pace.wrote(bytes, Instant::now());
        self.shared.counters.payload_sent(bytes);
    }
}
