//! The task that owns a connection's sending half.
//!
//! Control messages first, all that wait in one write; then one piece of the running chunk, and look
//! again. A piece's header rides with the control messages in front of it. Acknowledgements are looked
//! at on the way and by a timer; neither holds up sending.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use samara_model::{Channel, ChunkIndex, ContentId, PeerMessage};
use samara_store::{Content, ReadChunkError};
use samara_wire::encode_into;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};

use super::handle::{Closing, Shared};
use super::limits::Gate;
use super::pace::Pace;
use super::serving::{Rest, Running, Serving, Source, Waiting};
use super::transport::{PageCache, Transport};
use super::turns::{Advance, Next};
use super::{CloseReason, LinkCommand, LinkEvent, LinkId, LinkRouter};

/// Commands that are looked at between two pieces.
const COMMANDS_AT_ONCE: usize = 256;
/// A link that is closed in good order has this long to send what is left.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// A chunk counts as sent when no more than this is missing, or a quarter of it.
const AHEAD: u32 = 16 << 10;
/// The sending side of one link.
pub(super) struct Writer<T, R> {
    link: LinkId,
    transport: T,
    router: R,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<LinkCommand>,
    up: Gate,
    /// What was paid for in its turn.
    advance: Advance,
    /// Encoded messages that were not sent yet.
    out: Vec<u8>,
    channels: HashMap<ContentId, Channel>,
    serving: Serving,
    pace: Pace,
    pages: PageCache,
    /// Chunks that were written and not acknowledged.
    unacked: VecDeque<Unacked>,
    interrupts: Interrupts,
    /// Asked to close, once `out` is empty.
    closing_with: Option<CloseReason>,
}

struct Unacked {
    content: ContentId,
    chunk: ChunkIndex,
    bytes: u32,
    /// The chunk counts as sent when this position in the stream was acknowledged.
    position: u64,
}

/// What may interrupt waiting for the socket.
struct Interrupts {
    closing: Closing,
    ack_timer: Pin<Box<Sleep>>,
    ack_timer_runs: bool,
}

enum Interrupt {
    LookForAcks,
    Closed(CloseReason),
}

impl Interrupts {
    async fn next(&mut self) -> Interrupt {
        tokio::select! {
            reason = self.closing.wait() => Interrupt::Closed(reason),
            () = &mut self.ack_timer, if self.ack_timer_runs => Interrupt::LookForAcks,
        }
    }
}

/// Does a cancel-safe piece of work again and again until it is done, and in between what cannot wait.
macro_rules! attending {
    ($self:ident, $work:expr) => {
        loop {
            tokio::select! {
                biased;
                done = $work => break done,
                interrupt = $self.interrupts.next() => $self.on_interrupt(interrupt).await?,
            }
        }
    };
}

mod body;

use body::Vanished;

impl<T: Transport, R: LinkRouter> Writer<T, R> {
    /// `greeting` goes out first.
    pub fn new(
        link: LinkId,
        transport: T,
        router: R,
        shared: Arc<Shared>,
        commands: mpsc::Receiver<LinkCommand>,
        up: Gate,
        greeting: Vec<u8>,
    ) -> Self {
        let interrupts = Interrupts {
            closing: shared.closing(),
            ack_timer: Box::pin(sleep(Duration::ZERO)),
            ack_timer_runs: false,
        };
        Writer {
            link,
            transport,
            router,
            shared,
            commands,
            pace: Pace::new(up.piece()),
            pages: PageCache::default(),
            up,
            advance: Advance::default(),
            out: greeting,
            channels: HashMap::new(),
            serving: Serving::default(),
            unacked: VecDeque::new(),
            interrupts,
            closing_with: None,
        }
    }

    /// Sends until the link ends, and says why it did.
    pub async fn run(mut self) -> CloseReason {
        loop {
            self.take_commands();
            if let Some(reason) = self.closing_with.take() {
                let _ = timeout(LAST_WORDS, self.flush(false)).await;
                return reason;
            }
            if let Err(reason) = self.step().await {
                return reason;
            }
        }
    }

    async fn step(&mut self) -> Result<(), CloseReason> {
        if let Some(next) = self.serving.next(&self.up) {
            self.begin_chunk(next).await;
        }
        if let Some(running) = self.serving.running.take() {
            self.send_piece(running).await
        } else if !self.out.is_empty() {
            self.pass_throttle(self.out.len()).await?;
            self.flush(false).await
        } else {
            self.wait_for_work().await
        }
    }

    async fn wait_for_work(&mut self) -> Result<(), CloseReason> {
        let command = attending!(self, self.commands.recv());
        self.obey(command.ok_or(CloseReason::Fault("all handles are gone".into()))?);
        Ok(())
    }

    fn take_commands(&mut self) {
        for _ in 0..COMMANDS_AT_ONCE {
            let Ok(command) = self.commands.try_recv() else { return };
            self.obey(command);
        }
    }

    fn obey(&mut self, command: LinkCommand) {
        if self.closing_with.is_some() {
            return;
        }
        match command {
            LinkCommand::Send { content, message } => self.queue_message(content, message),
            LinkCommand::Serve { content, chunk, ahead } => {
                self.serving.add(Waiting { content, chunk, ahead })
            }
            LinkCommand::CancelServe { content, chunk } => self.serving.cancel(content, chunk),
            LinkCommand::CancelServeAll { content } => self.serving.cancel_all(content),
            LinkCommand::Close(reason) => self.closing_with = Some(reason),
            // The handle hands these to the reader.
            LinkCommand::DropIncoming { .. } => {}
        }
    }

    fn queue_message(&mut self, content: Option<ContentId>, mut message: PeerMessage) {
        if let Some(content) = content {
            let number = self.channel_of(content);
            if let Some(channel) = message.channel_mut() {
                *channel = number;
            }
        }
        if let Err(error) = encode_into(&message, &mut self.out) {
            tracing::error!(link = self.link.0, %error, "a message is not sent");
        }
    }

    /// The number of a content on this link; the first use gives it one.
    fn channel_of(&mut self, content: ContentId) -> Channel {
        let next = self.channels.len() as Channel;
        *self.channels.entry(content).or_insert(next)
    }

    async fn begin_chunk(&mut self, next: Waiting) {
        let Waiting { content, chunk, ahead } = next;
        let len = content.chunk_len(chunk);
        let source = match content.chunk_ranges(chunk) {
            Err(ReadChunkError::NotInFiles { .. }) => read_whole(content.clone(), chunk).await,
            Err(error) => Err(error),
            Ok(ranges) => Ok(Source::Files(ranges.into())),
        };
        match source {
            Ok(source) => {
                let rest = Rest { len, sent: 0, source };
                let turn = self.up.begin(content.id());
                self.advance.forget();
                self.serving.running = Some(Running { content, chunk, turn, ahead, rest });
            }
            Err(error) => self.serve_failed(content.id(), chunk, error).await,
        }
    }

    async fn serve_failed(&self, content: ContentId, chunk: ChunkIndex, error: ReadChunkError) {
        let (link, error) = (self.link, Arc::new(error));
        self.router.deliver(LinkEvent::ServeFailed { link, content, chunk, error }).await;
    }

    /// Sends the next piece of `running`, and keeps it running unless that was the last.
    async fn send_piece(&mut self, mut running: Running) -> Result<(), CloseReason> {
        let length = (running.rest.left() as usize).min(self.pace.piece());
        // The cap may be newer than the link.
        let length = self.advance.length(length.min(self.up.piece().unwrap_or(usize::MAX)));
        self.queue_header(&running, length as u32);
        self.take_turn(&running, length).await?;
        self.flush(true).await?;
        if let Err(Vanished(why)) = self.send_body(&mut running.rest, length).await? {
            let error = read_error(&running, why);
            self.serve_failed(running.content.id(), running.chunk, error).await;
        } else if running.rest.left() > 0 {
            self.serving.running = Some(running);
        } else {
            self.expect_ack(&running);
        }
        self.look_for_acks().await
    }

    fn queue_header(&mut self, running: &Running, length: u32) {
        let (chunk, offset) = (running.chunk, running.rest.sent);
        let header = PeerMessage::Piece { channel: 0, chunk, offset, length };
        self.queue_message(Some(running.content.id()), header);
    }

    /// Sends all waiting messages; `more`: a piece's body follows at once.
    async fn flush(&mut self, more: bool) -> Result<(), CloseReason> {
        let mut sent = 0;
        while sent < self.out.len() {
            sent +=
                attending!(self, self.transport.send(&self.out[sent..], more)).map_err(broken)?;
        }
        self.pace.wrote(sent, Instant::now());
        self.shared.counters.control_sent(sent);
        self.out.clear();
        self.out.shrink_to(64 << 10);
        Ok(())
    }

    /// Waits until the next piece of `running` may pass the caps.
    async fn take_turn(&mut self, running: &Running, length: usize) -> Result<(), CloseReason> {
        let next = Next { length, control: self.out.len(), left: running.rest.left() as usize };
        for stage in 0..Gate::STAGES - 1 {
            let bytes = next.control + next.length;
            if let Some(until) = self.up.reserve(stage, bytes, Instant::now()) {
                attending!(self, sleep_until(until));
            }
        }
        if let Some(until) = self.advance.pay(&self.up, &running.turn, next, Instant::now()) {
            attending!(self, sleep_until(until));
        }
        Ok(())
    }

    async fn pass_throttle(&mut self, bytes: usize) -> Result<(), CloseReason> {
        for stage in 0..Gate::STAGES {
            if let Some(until) = self.up.reserve(stage, bytes, Instant::now()) {
                attending!(self, sleep_until(until));
            }
        }
        Ok(())
    }

    /// From now on `running`, whose last byte was written, waits for its acknowledgement.
    fn expect_ack(&mut self, running: &Running) {
        let len = running.rest.len;
        let least = u64::from((len / 4).min(AHEAD));
        let under_way = self.pace.bytes_in(running.ahead).clamp(least, u64::from(len));
        self.unacked.push_back(Unacked {
            content: running.content.id(),
            chunk: running.chunk,
            bytes: running.rest.len,
            position: self.pace.written() - under_way,
        });
    }

    async fn on_interrupt(&mut self, interrupt: Interrupt) -> Result<(), CloseReason> {
        match interrupt {
            Interrupt::LookForAcks => self.look_for_acks().await,
            Interrupt::Closed(reason) => Err(reason),
        }
    }

    /// Reports the chunks that have been acknowledged meanwhile, and sets the timer for the next.
    async fn look_for_acks(&mut self) -> Result<(), CloseReason> {
        let unacknowledged = self.transport.unacknowledged().map_err(broken)?;
        let now = Instant::now();
        self.pace.observe(unacknowledged, now);
        let acked = self.pace.acked();
        while let Some(sent) = self.unacked.pop_front_if(|first| first.position <= acked) {
            self.shared.counters.chunk_sent();
            let Unacked { content, chunk, bytes, .. } = sent;
            let link = self.link;
            self.router.deliver(LinkEvent::ChunkSent { link, content, chunk, bytes }).await;
        }
        self.interrupts.ack_timer_runs = !self.unacked.is_empty();
        if let Some(first) = self.unacked.front() {
            let next = now + self.pace.next_look(first.position);
            self.interrupts.ack_timer.as_mut().reset(next);
        }
        Ok(())
    }
}

async fn read_whole(content: Arc<Content>, chunk: ChunkIndex) -> Result<Source, ReadChunkError> {
    let id = content.id();
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        content.read_chunk(chunk, &mut bytes).map(|()| Source::Memory(bytes))
    });
    reading.await.unwrap_or(Err(ReadChunkError::NotHere { content: id, chunk }))
}

/// Asks again why the chunk cannot be read: the store names the file.
fn read_error(running: &Running, source: io::Error) -> ReadChunkError {
    match running.content.chunk_ranges(running.chunk) {
        Err(error) => error,
        Ok(_) => {
            let path = running.content.output().to_path_buf();
            ReadChunkError::Io { content: running.content.id(), path, source }
        }
    }
}

fn broken(error: io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => CloseReason::ClosedByPeer,
        _ => CloseReason::Broken(error.to_string()),
    }
}
