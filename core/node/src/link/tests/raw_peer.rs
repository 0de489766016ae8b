//! A peer made by hand, which can misbehave in any way.

use std::net::SocketAddr;

use samara_model::PeerMessage;
use samara_model::{Labels, PeerId};
use samara_wire::encode_into;
use samara_wire::handshake::{
    HandshakeDecoder, HandshakeError, HandshakeFrame, Hello, encode_first, encode_next,
};
use samara_wire::{Decoded, FrameDecoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// One end of a connection that has shaken hands.
pub struct RawPeer {
    pub stream: TcpStream,
    frames: FrameDecoder,
}

pub fn hello(number: u8) -> Hello {
    Hello {
        cluster: "test".into(),
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

impl RawPeer {
    pub async fn dial(address: SocketAddr, hello: Hello) -> RawPeer {
        let stream = TcpStream::connect(address).await.expect("it listens");
        RawPeer::shake(stream, hello).await.expect("they belong together")
    }

    /// A peer whose receive buffer is as small as can be.
    pub async fn dial_narrow(address: SocketAddr, hello: Hello) -> RawPeer {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(1).expect("a socket");
        let stream = socket.connect(address).await.expect("it listens");
        RawPeer::shake(stream, hello).await.expect("they belong together")
    }

    pub async fn shake(mut stream: TcpStream, hello: Hello) -> Result<RawPeer, HandshakeError> {
        let first = encode_first(&HandshakeFrame::Hello(hello));
        stream.write_all(&first).await.expect("it is open");
        let mut decoder = HandshakeDecoder::new();
        while decoder.next_frame()?.is_none() {
            let mut bytes = [0; 1024];
            let count = stream.read(&mut bytes).await.unwrap_or(0);
            if count == 0 {
                return Err(HandshakeError::Malformed("hung up".into()));
            }
            decoder.feed(&bytes[..count]);
        }
        let mut welcome = Vec::new();
        encode_next(&HandshakeFrame::Welcome, &mut welcome);
        stream.write_all(&welcome).await.expect("it is open");
        Ok(RawPeer::of(stream))
    }

    /// After the handshake.
    pub fn of(stream: TcpStream) -> RawPeer {
        RawPeer { stream, frames: FrameDecoder::new() }
    }

    pub async fn send(&mut self, message: &PeerMessage) {
        let mut bytes = Vec::new();
        encode_into(message, &mut bytes).expect("small enough");
        self.send_bytes(&bytes).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        // The other side may have hung up for a good reason.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next message; bodies of pieces are skipped. `None` at the end.
    pub async fn receive(&mut self) -> Option<PeerMessage> {
        loop {
            match self.frames.next_message().expect("an honest node") {
                Decoded::Message(message) => {
                    if let PeerMessage::Piece { length, .. } = message {
                        self.skip(length as usize).await?;
                    }
                    return Some(message);
                }
                Decoded::Incomplete => self.read().await?,
            }
        }
    }

    async fn skip(&mut self, mut left: usize) -> Option<()> {
        while left > 0 {
            left -= self.frames.take_raw(left).len();
            if left > 0 {
                self.read().await?;
            }
        }
        Some(())
    }

    async fn read(&mut self) -> Option<()> {
        let spare = self.frames.spare(65536);
        match self.stream.read_buf(spare).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }
}
