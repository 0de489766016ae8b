//! The actors' end of a link.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use samara_model::{ChunkIndex, ContentId, LabelNumbers, Labels, PeerId};
use tokio::sync::{mpsc, watch};

use super::counters::Counters;
use super::standing::Standing;
use super::{LinkCommand, LinkId};

/// Commands that may wait. A peer that lets this many pile up does not read.
pub(super) const COMMAND_QUEUE: usize = 8192;

/// Chunks to drop that the reader has not looked at. Only one can be arriving; the rest is history.
const MAX_UNWANTED: usize = 16;

/// Why a link ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The other side said `Bye`.
    #[error("the peer left")]
    PeerLeft,
    /// The connection ended without a word.
    #[error("the peer closed the connection")]
    ClosedByPeer,
    /// The network said so.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Nothing was heard for too long.
    #[error("the peer was silent for {0} s")]
    Silent(u64),
    /// The peer does not read what is sent.
    #[error("the peer does not read: {COMMAND_QUEUE} messages wait")]
    TooSlow,
    /// The peer sent something that must not be sent.
    #[error("the peer broke the protocol: {0}")]
    Protocol(String),
    /// A newer connection to the same peer took its place.
    #[error("another connection to the same peer took its place")]
    Replaced,
    /// This node goes down.
    #[error("this node shuts down")]
    Shutdown,
    /// An actor wanted it, in its own words.
    #[error("{0}")]
    Local(String),
    /// A fault of this program.
    #[error("a fault of this program: {0}")]
    Fault(String),
}

/// The link has ended; the command was not carried out. [`super::LinkEvent::Disconnected`] comes or
/// came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link has ended")]
pub struct LinkClosed;

/// A link, for those who use it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LinkHandle {
    /// Which link.
    pub id: LinkId,
    /// Who is there.
    pub peer: PeerId,
    /// Where the peer can be dialled: what it advertises, or where it comes from with its listen port.
    pub address: SocketAddr,
    /// The other end of the connection.
    pub remote: SocketAddr,
    /// This side dialled.
    pub dialled: bool,
    pub(super) shared: Arc<Shared>,
}

/// What the handle, the reader and the writer of a link share.
#[derive(Debug)]
pub(super) struct Shared {
    commands: mpsc::Sender<LinkCommand>,
    closed: watch::Sender<Option<CloseReason>>,
    /// `Disconnected` was delivered.
    ended: watch::Sender<bool>,
    unwanted: Mutex<Vec<(ContentId, ChunkIndex)>>,
    any_unwanted: AtomicBool,
    pub counters: Arc<Counters>,
    pub standing: Standing,
}

impl Shared {
    pub fn new(
        commands: mpsc::Sender<LinkCommand>,
        counters: Arc<Counters>,
        standing: Standing,
    ) -> Arc<Self> {
        Arc::new(Shared {
            commands,
            closed: watch::Sender::new(None),
            ended: watch::Sender::new(false),
            unwanted: Mutex::default(),
            any_unwanted: AtomicBool::new(false),
            counters,
            standing,
        })
    }

    /// Ends the link now; the first reason stays.
    pub fn close(&self, reason: CloseReason) {
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            if first {
                *closed = Some(reason);
            }
            first
        });
    }

    pub fn is_closed(&self) -> bool {
        self.closed.borrow().is_some()
    }

    /// The reason, once the link has been closed.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.closed.borrow().clone()
    }

    /// To wait for the end with.
    pub fn closing(&self) -> Closing {
        Closing(self.closed.subscribe())
    }

    /// Takes note that nothing more comes from this link.
    pub fn ended(&self) {
        self.ended.send_replace(true);
    }

    /// Waits until [`Shared::ended`] was called.
    pub async fn wait_until_ended(&self) {
        // Fails only when the sender is gone, and that is a field of `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Queues a command of the link's own tasks.
    pub fn enqueue(&self, command: LinkCommand) -> Result<(), LinkClosed> {
        if self.is_closed() {
            return Err(LinkClosed);
        }
        self.commands.try_send(command).map_err(|error| {
            if matches!(error, mpsc::error::TrySendError::Full(_)) {
                self.close(CloseReason::TooSlow);
            }
            LinkClosed
        })
    }

    fn drop_incoming(&self, content: ContentId, chunk: ChunkIndex) {
        let mut unwanted = self.unwanted.lock().unwrap_or_else(PoisonError::into_inner);
        if unwanted.len() == MAX_UNWANTED {
            unwanted.remove(0);
        }
        unwanted.push((content, chunk));
        self.any_unwanted.store(true, Ordering::Release);
    }

    /// The chunks that were dropped since the last call.
    pub fn take_unwanted(&self) -> Vec<(ContentId, ChunkIndex)> {
        if !self.any_unwanted.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        std::mem::take(&mut *self.unwanted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Resolves when a link ends.
#[derive(Debug, Clone)]
pub(super) struct Closing(watch::Receiver<Option<CloseReason>>);

impl Closing {
    /// Waits for the end of the link. Cancel safe.
    pub async fn wait(&mut self) -> CloseReason {
        match self.0.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(CloseReason::ClosedByPeer),
            Err(_) => CloseReason::Fault("its owner is gone".into()),
        }
    }
}

impl LinkHandle {
    /// Hands a command to the link. Never waits: a link whose queue of 8192 commands is full is closed
    /// with [`CloseReason::TooSlow`].
    ///
    /// # Errors
    /// When the link has ended.
    pub fn command(&self, command: LinkCommand) -> Result<(), LinkClosed> {
        match command {
            LinkCommand::DropIncoming { content, chunk } if !self.shared.is_closed() => {
                self.shared.drop_incoming(content, chunk);
                Ok(())
            }
            LinkCommand::Close(reason) => {
                let queued = self.shared.enqueue(LinkCommand::Close(reason.clone()));
                if queued.is_err() {
                    self.shared.close(reason);
                }
                queued
            }
            other => self.shared.enqueue(other),
        }
    }

    /// Whether the link is ending or has ended.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// What the peer's operator says of it now, as numbers.
    pub fn labels(&self) -> LabelNumbers {
        self.shared.standing.numbers()
    }

    /// The same in words.
    pub fn said(&self) -> Labels {
        self.shared.standing.said()
    }

    /// Bytes and chunks that went over this link.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }
}
