//! The task that owns a connection's receiving half.
//!
//! Between pieces it decodes messages; inside a piece it reads straight into the chunk's buffer. A whole
//! chunk goes to be stored while the next one arrives. Waiting, for memory, for the throttle or for a full
//! mailbox, means not reading: TCP then slows the sender down.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::BufMut;
use samara_model::{Channel, ChunkIndex, ContentId, PeerMessage};
use samara_wire::{Decoded, FrameDecoder};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use super::assembly::{Assembly, Whole};
use super::buffers::ReceiveMemory;
use super::handle::{Closing, Shared};
use super::keepalive::LastHeard;
use super::limits::Gate;
use super::low_water::{LowWater, Naps};
use super::storing::{Arrival, Storing};
use super::{CloseReason, LinkCommand, LinkEvent, LinkId, LinkRouter};

/// Read at once between pieces. Small, because what it contains of a body is copied once more.
const FRAME_READ: usize = 4 << 10;
/// Read at once of a body: fits the processor's second-level cache, so that hashing finds it there.
const BODY_READ: usize = 256 << 10;
/// The reader of a body sleeps until this much waits, or the rest of the piece: on a slow link that is one
/// wake-up per piece instead of one per packet. It must fit a receive buffer that the system has not grown.
const WAKE_AT: usize = 64 << 10;
/// Read at once of a body that is thrown away.
const SCRATCH: usize = 32 << 10;
/// Contents that a peer may name on one link.
const MAX_CHANNELS: usize = 4096;

/// The receiving side of one link.
pub(super) struct Reader<S, R> {
    link: LinkId,
    stream: S,
    router: R,
    shared: Arc<Shared>,
    closing: Closing,
    heard: Arc<LastHeard>,
    memory: Arc<ReceiveMemory>,
    down: Gate,
    frames: FrameDecoder,
    /// The peer's numbers.
    channels: HashMap<Channel, ContentId>,
    assembly: Option<Assembly>,
    /// Bytes of the current piece that have not arrived.
    body_left: usize,
    /// From how many waiting bytes on the system wakes this task.
    wakes_at: usize,
    scratch: Vec<u8>,
    peer_left: bool,
    storing: Arc<Storing<R>>,
    naps: Arc<Naps>,
    /// Held by each chunk on its way to the disk; the other end learns when there is none.
    until_reported: mpsc::Sender<()>,
}

/// What a reader shares with the rest of the node.
pub(super) struct ReaderParts<R> {
    pub link: LinkId,
    pub router: R,
    pub shared: Arc<Shared>,
    pub heard: Arc<LastHeard>,
    pub memory: Arc<ReceiveMemory>,
    pub down: Gate,
    pub storing: Arc<Storing<R>>,
    pub naps: Arc<Naps>,
    pub until_reported: mpsc::Sender<()>,
}

impl<S: LowWater + Unpin + Send, R: LinkRouter> Reader<S, R> {
    /// `received` came behind the handshake.
    pub fn new(stream: S, received: &[u8], parts: ReaderParts<R>) -> Self {
        let mut frames = FrameDecoder::new();
        frames.feed(received);
        Reader {
            link: parts.link,
            stream,
            router: parts.router,
            closing: parts.shared.closing(),
            shared: parts.shared,
            heard: parts.heard,
            memory: parts.memory,
            frames,
            channels: HashMap::new(),
            assembly: None,
            body_left: 0,
            wakes_at: 1,
            down: parts.down,
            scratch: Vec::new(),
            peer_left: false,
            storing: parts.storing,
            naps: parts.naps,
            until_reported: parts.until_reported,
        }
    }

    /// Reads until the link ends, and says why it did.
    pub async fn run(mut self) -> CloseReason {
        loop {
            let step = match self.body_left {
                0 => self.next_message().await,
                _ => self.read_body().await,
            };
            if let Err(reason) = step {
                self.give_up_chunk().await;
                return reason;
            }
        }
    }

    async fn next_message(&mut self) -> Result<(), CloseReason> {
        let decoded = self.frames.next_message();
        match decoded.map_err(|error| CloseReason::Protocol(error.to_string()))? {
            Decoded::Message(message) => self.on_message(message).await,
            Decoded::Incomplete => self.read_frames().await,
        }
    }

    async fn read_frames(&mut self) -> Result<(), CloseReason> {
        self.wake_at(1);
        let most = self.frames.lacking().max(FRAME_READ);
        let spare = self.frames.spare(most);
        let read = read_some(&mut self.stream, spare, most, &mut self.closing).await;
        let count = self.count_read(read)?;
        self.shared.counters.control_received(count);
        self.pass_throttle(count).await
    }

    /// Reads a part of the current piece, from what came with its header first.
    async fn read_body(&mut self) -> Result<(), CloseReason> {
        self.drop_unwanted();
        let early = self.take_early_body();
        if early > 0 {
            self.on_body(early).await;
            return Ok(());
        }
        let mut most = self.body_left.min(self.body_read());
        // Never wait for bytes that do not come.
        self.wake_at(self.wakes_at.min(most));
        let kept = self.assembly.as_mut().and_then(Assembly::buffer);
        let into = match kept {
            Some(buffer) => buffer,
            None => {
                most = most.min(SCRATCH);
                self.scratch.clear();
                self.scratch.reserve(most);
                &mut self.scratch
            }
        };
        let read = read_some(&mut self.stream, into, most, &mut self.closing).await;
        let count = self.count_read(read)?;
        self.shared.counters.payload_received(count);
        self.on_body(count).await;
        if count < most {
            // Nothing more waits now: sleep until it is worth waking up.
            let worth_it = self.body_left.min(self.body_read()).min(WAKE_AT);
            self.wake_at(self.naps.wake_at(worth_it));
        }
        self.pass_throttle(count).await
    }

    fn wake_at(&mut self, bytes: usize) {
        if self.wakes_at != bytes {
            self.wakes_at = bytes;
            self.stream.wake_at(bytes);
        }
    }

    /// Moves body bytes that were read together with the header.
    fn take_early_body(&mut self) -> usize {
        let early = self.frames.take_raw(self.body_left);
        if let Some(buffer) = self.assembly.as_mut().and_then(Assembly::buffer) {
            buffer.extend_from_slice(early);
        }
        self.shared.counters.was_payload(early.len());
        early.len()
    }

    async fn on_body(&mut self, count: usize) {
        self.body_left -= count;
        let Some(assembly) = &mut self.assembly else { return };
        assembly.arrived(count);
        if assembly.is_whole() && self.body_left == 0 {
            self.finish_chunk().await;
        }
    }

    async fn finish_chunk(&mut self) {
        let Some(assembly) = self.assembly.take() else { return };
        let (content, chunk, bytes) = (assembly.content, assembly.chunk, assembly.received());
        match assembly.finish() {
            Some(whole) => self.store(whole).await,
            None => {
                self.scratch = Vec::new();
                let link = self.link;
                self.deliver(LinkEvent::ChunkDiscarded { link, content, chunk, bytes }).await;
            }
        }
    }

    async fn store(&self, whole: Whole) {
        let _deaf = self.heard.deaf();
        let arrival = Arrival {
            link: self.link,
            whole,
            router: self.router.clone(),
            counters: self.shared.counters.clone(),
            _until_reported: self.until_reported.clone(),
        };
        self.storing.store(arrival).await;
    }

    async fn on_message(&mut self, mut message: PeerMessage) -> Result<(), CloseReason> {
        let content = match &message {
            PeerMessage::Open { channel, content, .. } => {
                let (channel, content) = (*channel, *content);
                self.open_channel(channel, content).await?;
                Some(content)
            }
            PeerMessage::Ping { token } => {
                let message = PeerMessage::Pong { token: *token };
                let _ = self.shared.enqueue(LinkCommand::Send { content: None, message });
                return Ok(());
            }
            PeerMessage::Pong { .. } => return Ok(()),
            PeerMessage::Relabelled { labels } if !self.shared.standing.relabelled(labels) => {
                return Ok(());
            }
            PeerMessage::Bye => {
                self.peer_left = true;
                None
            }
            _ => match message.channel_mut() {
                Some(channel) => Some(self.content_of(*channel)?),
                None => None,
            },
        };
        if let (PeerMessage::Piece { chunk, offset, length, .. }, Some(content)) =
            (&message, content)
        {
            return self.begin_piece(content, *chunk, *offset, *length).await;
        }
        if let Some(content) = content {
            self.heed_refusal(content, &message).await;
        }
        let link = self.link;
        self.deliver(LinkEvent::Message { link, content, message }).await;
        Ok(())
    }

    async fn open_channel(
        &mut self,
        channel: Channel,
        content: ContentId,
    ) -> Result<(), CloseReason> {
        let old = self.channels.insert(channel, content);
        if self.channels.len() > MAX_CHANNELS {
            return Err(CloseReason::Protocol(format!("more than {MAX_CHANNELS} contents")));
        }
        let current = self.assembly.as_ref().map(|assembly| assembly.content);
        if old != Some(content) && old.is_some() && old == current {
            self.give_up_chunk().await;
        }
        Ok(())
    }

    fn content_of(&self, channel: Channel) -> Result<ContentId, CloseReason> {
        let content = self.channels.get(&channel).copied();
        content.ok_or_else(|| CloseReason::Protocol(format!("channel {channel} was not opened")))
    }

    /// A sender that stops halfway says so in one of these ways.
    async fn heed_refusal(&mut self, content: ContentId, message: &PeerMessage) {
        let Some(assembly) = &self.assembly else { return };
        let stops = assembly.content == content
            && match message {
                PeerMessage::Refuse { chunk, .. } => *chunk == Some(assembly.chunk),
                PeerMessage::Withdraw { chunks, .. } => {
                    chunks.is_empty() || chunks.contains(&assembly.chunk)
                }
                PeerMessage::Close { .. } => true,
                _ => false,
            };
        if stops {
            self.give_up_chunk().await;
        }
    }

    async fn begin_piece(
        &mut self,
        content: ContentId,
        chunk: ChunkIndex,
        offset: u32,
        length: u32,
    ) -> Result<(), CloseReason> {
        let continues = self.assembly.as_ref().is_some_and(|assembly| {
            assembly.is(content, chunk) && (offset > 0 || assembly.received() == 0)
        });
        if !continues {
            self.give_up_chunk().await;
            self.assembly = Some(self.begin_chunk(content, chunk).await?);
        }
        let assembly = self.assembly.as_ref();
        let check = assembly.map_or(Ok(()), |assembly| assembly.check_next(offset, length));
        check.map_err(|error| CloseReason::Protocol(error.to_string()))?;
        self.body_left = length as usize;
        Ok(())
    }

    /// Decides whether the chunk is kept, and finds room for it.
    async fn begin_chunk(
        &mut self,
        id: ContentId,
        chunk: ChunkIndex,
    ) -> Result<Assembly, CloseReason> {
        let Some(content) = self.router.content(&id) else {
            return Ok(Assembly::discarding(id, chunk, None));
        };
        let len = content.chunk_len(chunk);
        if len == 0 {
            return Err(CloseReason::Protocol(format!("content {id} has no chunk {chunk}")));
        }
        if content.has(chunk) {
            return Ok(Assembly::discarding(id, chunk, Some(len)));
        }
        // Older wishes to drop a chunk do not concern this one.
        self.shared.take_unwanted();
        self.deliver(LinkEvent::ChunkStarted { link: self.link, content: id, chunk }).await;
        let buffer = self.room_for(len).await?;
        Ok(Assembly::keeping(content, chunk, buffer))
    }

    async fn room_for(&mut self, len: u32) -> Result<super::buffers::ChunkBuffer, CloseReason> {
        let _deaf = self.heard.deaf();
        tokio::select! {
            biased;
            buffer = self.memory.room_for(len) => Ok(buffer),
            reason = self.closing.wait() => Err(reason),
        }
    }

    /// The chunk that was arriving will not become whole.
    async fn give_up_chunk(&mut self) {
        let Some(assembly) = self.assembly.take() else { return };
        let (content, chunk, bytes) = (assembly.content, assembly.chunk, assembly.received());
        let link = self.link;
        drop(assembly);
        self.deliver(LinkEvent::ChunkDiscarded { link, content, chunk, bytes }).await;
    }

    fn drop_unwanted(&mut self) {
        let unwanted = self.shared.take_unwanted();
        let Some(assembly) = &mut self.assembly else { return };
        if unwanted.iter().any(|(content, chunk)| assembly.is(*content, *chunk)) {
            assembly.discard();
        }
    }

    fn count_read(
        &self,
        read: Result<io::Result<usize>, CloseReason>,
    ) -> Result<usize, CloseReason> {
        let reason = match read? {
            Ok(0) if self.peer_left => CloseReason::PeerLeft,
            Ok(0) => CloseReason::ClosedByPeer,
            Ok(count) => {
                self.heard.now();
                return Ok(count);
            }
            Err(_) if self.peer_left => CloseReason::PeerLeft,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                CloseReason::ClosedByPeer
            }
            Err(error) => CloseReason::Broken(error.to_string()),
        };
        Err(reason)
    }

    /// Most bytes of a body that are read at once.
    fn body_read(&self) -> usize {
        self.down.piece().unwrap_or(BODY_READ)
    }

    async fn pass_throttle(&mut self, bytes: usize) -> Result<(), CloseReason> {
        for stage in 0..Gate::STAGES {
            let now = tokio::time::Instant::now();
            let Some(until) = self.down.reserve(stage, bytes, now) else { continue };
            let _deaf = self.heard.deaf();
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                reason = self.closing.wait() => return Err(reason),
            }
        }
        Ok(())
    }

    async fn deliver(&self, event: LinkEvent) {
        let _deaf = self.heard.deaf();
        self.router.deliver(event).await;
    }
}

/// Appends what can be read, at most `most` bytes, unless the link ends first.
async fn read_some<S: LowWater + Unpin>(
    stream: &mut S,
    into: &mut Vec<u8>,
    most: usize,
    closing: &mut Closing,
) -> Result<io::Result<usize>, CloseReason> {
    let mut limited = into.limit(most);
    tokio::select! {
        biased;
        read = stream.read_buf(&mut limited) => Ok(read),
        reason = closing.wait() => Err(reason),
    }
}
