//! A link's life: from the end of its handshake to `Disconnected`.

use std::sync::Arc;
use std::time::Duration;

use samara_model::PeerMessage;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::buffers::ReceiveMemory;
use super::handle::Shared;
use super::keepalive::{LastHeard, Verdict};
use super::limits::Throttles;
use super::low_water::Naps;
use super::reader::{Reader, ReaderParts};
use super::storing::Storing;
use super::transport::TcpTransport;
use super::writer::Writer;
use super::{CloseReason, LinkCommand, LinkConfig, LinkEvent, LinkHandle, LinkRouter};

/// A connection that has become a link.
pub(super) struct Connection {
    pub stream: TcpStream,
    pub handle: LinkHandle,
    pub commands: mpsc::Receiver<LinkCommand>,
    /// To be sent before any message.
    pub greeting: Vec<u8>,
    /// Came behind the handshake.
    pub received: Vec<u8>,
    /// The link that this one replaces; it has been told to close.
    pub replaces: Option<Arc<Shared>>,
}

/// What all links share.
pub(super) struct Resources<R> {
    pub storing: Arc<Storing<R>>,
    pub naps: Arc<Naps>,
    pub memory: Arc<ReceiveMemory>,
    pub up: Throttles,
    pub down: Throttles,
}

/// Runs a link to its end, between `Connected` and `Disconnected`. `forget` is called before the latter.
pub(super) async fn run<R: LinkRouter>(
    connection: Connection,
    router: R,
    resources: Arc<Resources<R>>,
    config: LinkConfig,
    forget: impl FnOnce(),
) {
    let Connection { stream, handle, commands, greeting, received, replaces } = connection;
    if let Some(replaced) = replaces {
        replaced.wait_until_ended().await;
    }
    router.deliver(LinkEvent::Connected(handle.clone())).await;

    let (receiving, sending) = stream.into_split();
    let (link, shared) = (handle.id, handle.shared.clone());
    let class = shared.standing.class.clone();
    let heard = Arc::new(LastHeard::new());
    let (until_reported, mut all_reported) = mpsc::channel(1);
    let parts = ReaderParts {
        link,
        router: router.clone(),
        shared: shared.clone(),
        heard: heard.clone(),
        memory: resources.memory.clone(),
        down: resources.down.gate(class.clone()),
        storing: resources.storing.clone(),
        naps: resources.naps.clone(),
        until_reported,
    };
    let reader = Reader::new(receiving, &received, parts);
    let transport = TcpTransport(sending);
    let up = resources.up.gate(class);
    let writer =
        Writer::new(link, transport, router.clone(), shared.clone(), commands, up, greeting);
    let mut reader = tokio::spawn(reader.run());
    let mut writer = tokio::spawn(writer.run());

    let (mut reads, mut writes) = (true, true);
    let watch = watch_silence(&shared, &heard, &config);
    tokio::pin!(watch);
    // The first to end gives the reason; then the others end by themselves.
    while reads || writes {
        tokio::select! {
            ended = &mut reader, if reads => {
                reads = false;
                shared.close(reason_of(ended));
            }
            ended = &mut writer, if writes => {
                writes = false;
                shared.close(reason_of(ended));
            }
            () = &mut watch, if !shared.is_closed() => {}
        }
    }
    // Ends when the last chunk on its way to the disk has been reported.
    let _ = all_reported.recv().await;
    forget();
    let reason = shared.close_reason().unwrap_or(CloseReason::ClosedByPeer);
    let peer = handle.peer;
    router.deliver(LinkEvent::Disconnected { link, peer, reason }).await;
    shared.ended();
}

fn reason_of(ended: Result<CloseReason, JoinError>) -> CloseReason {
    ended.unwrap_or_else(|error| CloseReason::Fault(error.to_string()))
}

/// One coarse timer per link: asks a silent peer, then closes the link.
async fn watch_silence(shared: &Shared, heard: &LastHeard, config: &LinkConfig) {
    let (ping_after, close_after) = (config.ping_after, config.close_after);
    let tick = (ping_after / 4).max(Duration::from_millis(1));
    let mut asked = 0;
    loop {
        tokio::time::sleep(tick).await;
        match heard.verdict(ping_after, close_after) {
            Verdict::Fine => asked = 0,
            // Asked once per stretch of silence as long as `ping_after`.
            Verdict::Ping if asked % 4 == 0 => {
                asked += 1;
                let message = PeerMessage::Ping { token: asked };
                let _ = shared.enqueue(LinkCommand::Send { content: None, message });
            }
            Verdict::Ping => asked += 1,
            Verdict::Close => {
                shared.close(CloseReason::Silent(close_after.as_secs()));
                return;
            }
        }
    }
}
