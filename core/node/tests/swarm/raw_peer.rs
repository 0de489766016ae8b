//! A peer made by hand, which can misbehave in any way.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use samara_model::{ChunkIndex, ContentId, HaveSummary, Labels, PeerId, PeerMessage};
use samara_wire::handshake::{
    HandshakeDecoder, HandshakeError, HandshakeFrame, Hello, encode_first, encode_next,
};
use samara_wire::{Decoded, FrameDecoder, encode_into};

use crate::support::PATIENCE;

/// The channel under which it opens a content.
pub const CHANNEL: u16 = 7;

/// One end of a connection that has shaken hands.
pub struct RawPeer {
    pub stream: TcpStream,
    frames: FrameDecoder,
}

pub fn hello(number: u8, cluster: &str) -> Hello {
    Hello {
        cluster: cluster.into(),
        peer: PeerId([number; 32]),
        instance: u64::from(number),
        dial: 1,
        advertise: None,
        listen_port: 1,
        capabilities: 0,
        labels: Labels::default(),
        software: "by hand".into(),
    }
}

/// The next frame of a handshake.
pub fn read_handshake(
    stream: &mut TcpStream,
    decoder: &mut HandshakeDecoder,
) -> Result<HandshakeFrame, HandshakeError> {
    loop {
        if let Some(frame) = decoder.next_frame()? {
            return Ok(frame);
        }
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes).unwrap_or(0) {
            0 => return Err(HandshakeError::Malformed("hung up".into())),
            count => decoder.feed(&bytes[..count]),
        }
    }
}

impl RawPeer {
    /// Dials a node as peer `number`.
    pub fn dial(address: SocketAddr, number: u8) -> RawPeer {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut decoder = HandshakeDecoder::new();
        let first = encode_first(&HandshakeFrame::Hello(hello(number, "samara")));
        stream.write_all(&first).expect("it is open");
        let theirs = read_handshake(&mut stream, &mut decoder).expect("they belong together");
        assert!(matches!(theirs, HandshakeFrame::Hello(_)));
        let mut welcome = Vec::new();
        encode_next(&HandshakeFrame::Welcome, &mut welcome);
        stream.write_all(&welcome).expect("it is open");
        RawPeer::shaken(stream, decoder)
    }

    /// Takes the next node that dials `listener`.
    pub fn accept(listener: &TcpListener, number: u8) -> RawPeer {
        let (mut stream, _) = listener.accept().expect("somebody dials");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut decoder = HandshakeDecoder::new();
        let theirs = read_handshake(&mut stream, &mut decoder).expect("they belong together");
        assert!(matches!(theirs, HandshakeFrame::Hello(_)));
        let first = encode_first(&HandshakeFrame::Hello(hello(number, "samara")));
        stream.write_all(&first).expect("it is open");
        let welcome = read_handshake(&mut stream, &mut decoder).expect("they belong together");
        assert_eq!(welcome, HandshakeFrame::Welcome);
        RawPeer::shaken(stream, decoder)
    }

    fn shaken(stream: TcpStream, decoder: HandshakeDecoder) -> RawPeer {
        let mut frames = FrameDecoder::new();
        frames.feed(&decoder.into_rest());
        RawPeer { stream, frames }
    }

    /// Claims to have all of a content, as its origin.
    pub fn open(&mut self, content: ContentId) {
        self.send(&PeerMessage::Open {
            channel: CHANNEL,
            content,
            manifest_bytes: None,
            have: HaveSummary::Everything,
            origin: false,
            wants_haves: true,
            reply: true,
        });
    }

    pub fn send(&mut self, message: &PeerMessage) {
        let mut bytes = Vec::new();
        encode_into(message, &mut bytes).expect("small enough");
        self.send_bytes(&bytes);
    }

    /// The other side may have hung up for a good reason.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// A chunk, or its beginning, that is not what it claims to be.
    pub fn send_garbage(&mut self, chunk: ChunkIndex, claimed: u32, sent: u32) {
        let (channel, offset, length) = (CHANNEL, 0, claimed);
        self.send(&PeerMessage::Piece { channel, chunk, offset, length });
        self.send_bytes(&vec![0xab; sent as usize]);
    }

    /// The next message; bodies of pieces are skipped. `None` at the end.
    pub fn receive(&mut self) -> Option<PeerMessage> {
        loop {
            match self.frames.next_message().expect("an honest node") {
                Decoded::Message(message) => {
                    if let PeerMessage::Piece { length, .. } = message {
                        self.skip(length as usize)?;
                    }
                    return Some(message);
                }
                Decoded::Incomplete => self.read()?,
            }
        }
    }

    fn skip(&mut self, mut left: usize) -> Option<()> {
        while left > 0 {
            left -= self.frames.take_raw(left).len();
            if left > 0 {
                self.read()?;
            }
        }
        Some(())
    }

    fn read(&mut self) -> Option<()> {
        let mut bytes = [0; 65536];
        match self.stream.read(&mut bytes) {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                self.frames.feed(&bytes[..count]);
                Some(())
            }
        }
    }
}
