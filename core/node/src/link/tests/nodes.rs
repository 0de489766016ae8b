//! A node that is nothing but links: records events, and has contents.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use samara_model::{ChunkIndex, ContentId, HaveSummary, Labels, Manifest, PeerId, PeerMessage};
use samara_store::{Content, Store};
use samara_wire::{decode_manifest, encode_manifest, manifest_id};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::link::{
    Identity, LinkCommand, LinkConfig, LinkEvent, LinkHandle, LinkRouter, Links, bind_pair,
};

/// Passes events to a test, and knows the contents that it was told.
#[derive(Clone)]
pub struct Recorder {
    events: mpsc::UnboundedSender<LinkEvent>,
    contents: Arc<Mutex<HashMap<ContentId, Arc<Content>>>>,
}

impl LinkRouter for Recorder {
    async fn deliver(&self, event: LinkEvent) {
        // A test that has ended does not care.
        let _ = self.events.send(event);
    }

    fn content(&self, content: &ContentId) -> Option<Arc<Content>> {
        self.contents.lock().expect("no test panics in here").get(content).cloned()
    }
}

/// A node with its links, its store and its events.
pub struct TestNode {
    pub links: Links<Recorder>,
    pub recorder: Recorder,
    pub events: mpsc::UnboundedReceiver<LinkEvent>,
    pub dir: TempDir,
    store: Store,
}

/// A content as the publisher has it.
pub struct Published {
    pub content: Arc<Content>,
    pub manifest_bytes: Vec<u8>,
}

pub fn identity(number: u8) -> Identity {
    Identity {
        cluster: "test".into(),
        peer: PeerId([number; 32]),
        instance: u64::from(number),
        advertise: None,
        labels: Labels::default(),
    }
}

pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

impl TestNode {
    pub fn start(number: u8) -> TestNode {
        TestNode::start_as(identity(number), LinkConfig::default())
    }

    pub fn start_with(number: u8, config: LinkConfig) -> TestNode {
        TestNode::start_as(identity(number), config)
    }

    pub fn start_as(identity: Identity, config: LinkConfig) -> TestNode {
        TestNode::start_in(tempfile::tempdir().expect("a temporary folder"), identity, config)
    }

    pub fn start_in(dir: TempDir, identity: Identity, config: LinkConfig) -> TestNode {
        TestNode::start_at(loopback(), dir, identity, config)
    }

    pub fn start_at(
        listen: SocketAddr,
        dir: TempDir,
        identity: Identity,
        config: LinkConfig,
    ) -> TestNode {
        let (sender, events) = mpsc::unbounded_channel();
        let recorder = Recorder { events: sender, contents: Arc::default() };
        let pair = bind_pair(listen).expect("a free port");
        let links = Links::start(pair.tcp, identity, config, recorder.clone()).expect("a listener");
        let store = Store::open(&dir.path().join("data")).expect("a fresh folder");
        TestNode { links, recorder, events, dir, store }
    }

    pub fn address(&self) -> SocketAddr {
        self.links.local_addr()
    }

    /// The next event. Ten seconds of silence fail the test.
    pub async fn next(&mut self) -> LinkEvent {
        let next = tokio::time::timeout(Duration::from_secs(10), self.events.recv());
        next.await.expect("an event within ten seconds").expect("the node runs")
    }

    /// Skips events until `wanted` finds one.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(&LinkEvent) -> Option<T>) -> T {
        loop {
            let event = self.next().await;
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    }

    pub async fn connected(&mut self) -> LinkHandle {
        self.until(|event| match event {
            LinkEvent::Connected(handle) => Some(handle.clone()),
            _ => None,
        })
        .await
    }

    pub async fn disconnected(&mut self) -> super::super::CloseReason {
        self.until(|event| match event {
            LinkEvent::Disconnected { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    pub async fn message(&mut self) -> (Option<ContentId>, PeerMessage) {
        self.until(|event| match event {
            LinkEvent::Message { content, message, .. } => Some((*content, message.clone())),
            _ => None,
        })
        .await
    }

    pub fn knows(&self, content: &Arc<Content>) {
        let mut contents = self.recorder.contents.lock().expect("no test panics in here");
        contents.insert(content.id(), content.clone());
    }

    /// Publishes what lies at `path`.
    pub fn publish(&self, path: &Path, chunk_size: u32) -> Published {
        let stop = AtomicBool::new(false);
        let imported = Store::import(path, Some(chunk_size), &|_, _| {}, &stop).expect("readable");
        let manifest_bytes = encode_manifest(&imported.manifest);
        let id = manifest_id(&manifest_bytes);
        let content = self
            .store
            .publish(id, manifest_bytes.clone(), imported, path)
            .expect("nobody else writes there");
        self.knows(&content);
        Published { content, manifest_bytes }
    }

    /// Publishes a file of `size` bytes that look random.
    pub fn publish_file(&self, size: usize, chunk_size: u32) -> Published {
        let path = self.dir.path().join("source");
        fs::write(&path, noise(size)).expect("room for it");
        self.publish(&path, chunk_size)
    }

    /// Begins to fetch what another node published.
    pub fn fetch(&self, published: &Published) -> Arc<Content> {
        let manifest: Manifest = decode_manifest(&published.manifest_bytes).expect("honest");
        let (id, stop) = (published.content.id(), AtomicBool::new(false));
        let content = self
            .store
            .begin_fetch(
                id,
                &published.manifest_bytes,
                &manifest,
                &self.dir.path().join("output"),
                &|_, _| {},
                &stop,
            )
            .expect("a fresh folder");
        self.knows(&content);
        content
    }
}

/// Two nodes with a link from the first to the second: their handles.
pub async fn connect(a: &mut TestNode, b: &mut TestNode) -> (LinkHandle, LinkHandle) {
    let dialled = a.links.dial(b.address(), None).await.expect("it listens");
    assert_eq!(a.connected().await.id, dialled.id);
    (dialled, b.connected().await)
}

pub fn send(link: &LinkHandle, content: Option<ContentId>, message: PeerMessage) {
    link.command(LinkCommand::Send { content, message }).expect("the link is up");
}

/// Opens the channel of a content.
pub fn open(link: &LinkHandle, content: ContentId) {
    send(link, Some(content), open_message(content));
}

pub fn open_message(content: ContentId) -> PeerMessage {
    PeerMessage::Open {
        channel: 0,
        content,
        manifest_bytes: None,
        have: HaveSummary::Nothing,
        origin: false,
        wants_haves: true,
        reply: false,
    }
}

pub fn serve(link: &LinkHandle, content: &Arc<Content>, chunk: ChunkIndex) {
    let serve = LinkCommand::Serve { content: content.clone(), chunk, ahead: Duration::ZERO };
    link.command(serve).expect("the link is up");
}

/// Bytes without a pattern that a shifted or repeated copy would share.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    });
    words.flat_map(u64::to_le_bytes).take(size).collect()
}
