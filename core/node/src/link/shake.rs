//! The handshake over a socket. What is said and checked is `samara-wire`'s; the order is here.

use std::io;
use std::time::Duration;

use samara_wire::handshake::{
    HandshakeDecoder, HandshakeError, HandshakeFrame, Hello, check_hello, encode_first, encode_next,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a refused dialler has to hang up by itself.
const LAST_READ: Duration = Duration::from_millis(200);

/// Why there is no link.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ShakeError {
    /// The two do not belong together.
    #[error(transparent)]
    Refused(#[from] HandshakeError),
    /// The connection broke.
    #[error("the connection broke during the handshake: {0}")]
    Broken(String),
}

impl From<io::Error> for ShakeError {
    fn from(error: io::Error) -> Self {
        ShakeError::Broken(error.to_string())
    }
}

/// The dialler's side, up to the other's `Hello`. What is left is to say [`welcome`] or [`refuse`].
pub(super) async fn dialler_hello(
    stream: &mut TcpStream,
    ours: &Hello,
) -> Result<(Hello, HandshakeDecoder), ShakeError> {
    stream.write_all(&encode_first(&HandshakeFrame::Hello(ours.clone()))).await?;
    let mut decoder = HandshakeDecoder::new();
    let theirs = read_hello(stream, &mut decoder).await?;
    if let Err(error) = check_hello(ours, &theirs) {
        refuse(stream, &error.to_string()).await;
        return Err(error.into());
    }
    Ok((theirs, decoder))
}

/// The acceptor's side, up to the other's `Welcome`. On a mismatch both sides hear of it: each sees the
/// other's `Hello` or at least its protocol. `objection` may refuse for a reason of its own.
pub(super) async fn acceptor_hello(
    stream: &mut TcpStream,
    ours: &Hello,
    objection: impl FnOnce(&Hello) -> Option<String>,
) -> Result<(Hello, HandshakeDecoder), ShakeError> {
    let mut decoder = HandshakeDecoder::new();
    let theirs = match read_hello(stream, &mut decoder).await {
        Ok(theirs) => theirs,
        Err(error) => {
            answer_mismatch(stream, &error).await;
            return Err(error);
        }
    };
    if let Some(reason) = objection(&theirs) {
        refuse_at_once(stream, &reason).await;
        return Err(ShakeError::Broken(reason));
    }
    stream.write_all(&encode_first(&HandshakeFrame::Hello(ours.clone()))).await?;
    // The dialler finds the same fault in this `Hello`.
    check_hello(ours, &theirs)?;
    match read_frame(stream, &mut decoder).await? {
        HandshakeFrame::Welcome => Ok((theirs, decoder)),
        _ => Err(HandshakeError::OutOfOrder.into()),
    }
}

/// The dialler's last word: messages follow.
pub(super) fn welcome() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    encode_next(&HandshakeFrame::Welcome, &mut bytes);
    bytes
}

/// Says why this connection ends; whether that arrives does not matter any more.
pub(super) async fn refuse(stream: &mut TcpStream, reason: &str) {
    let mut bytes = Vec::new();
    encode_next(&HandshakeFrame::Refusal { reason: reason.to_owned() }, &mut bytes);
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

/// Something that is not samara gets no answer; another protocol gets at least our version.
async fn answer_mismatch(stream: &mut TcpStream, error: &ShakeError) {
    if let ShakeError::Refused(error @ HandshakeError::ProtocolMismatch { .. }) = error {
        refuse_at_once(stream, &error.to_string()).await;
    }
}

/// A refusal in place of a `Hello`.
async fn refuse_at_once(stream: &mut TcpStream, reason: &str) {
    let refusal = HandshakeFrame::Refusal { reason: reason.to_owned() };
    let _ = stream.write_all(&encode_first(&refusal)).await;
    let _ = stream.shutdown().await;
    // Closing with unread bytes would reset the connection and take the answer along.
    let _ = timeout(LAST_READ, stream.read(&mut [0; 2048])).await;
}

async fn read_hello(
    stream: &mut TcpStream,
    decoder: &mut HandshakeDecoder,
) -> Result<Hello, ShakeError> {
    match read_frame(stream, decoder).await? {
        HandshakeFrame::Hello(hello) => Ok(hello),
        _ => Err(HandshakeError::OutOfOrder.into()),
    }
}

async fn read_frame(
    stream: &mut TcpStream,
    decoder: &mut HandshakeDecoder,
) -> Result<HandshakeFrame, ShakeError> {
    let mut bytes = [0; 2048];
    loop {
        if let Some(frame) = decoder.next_frame()? {
            return Ok(frame);
        }
        match stream.read(&mut bytes).await? {
            0 => return Err(ShakeError::Broken("the other side hung up".into())),
            count => decoder.feed(&bytes[..count]),
        }
    }
}
