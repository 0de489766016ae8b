//! Reaching another node: one attempt per address at a time, shared by all who want it.

use std::io;
use std::net::SocketAddr;

use samara_model::PeerId;
use samara_wire::handshake::HandshakeError;
use tokio::net::{TcpSocket, TcpStream};

use super::shake::ShakeError;

/// Why there is no link to an address. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DialError {
    /// Nobody answers there.
    #[error("could not reach {address}: {message}")]
    Unreachable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        message: String,
    },
    /// No answer, or no complete handshake, within the time allowed.
    #[error("{address} did not answer within {seconds} s")]
    TimedOut {
        /// The address.
        address: SocketAddr,
        /// The time allowed.
        seconds: u64,
    },
    /// Somebody answers, and the two do not belong together.
    #[error("no link to {address}: {error}")]
    Handshake {
        /// The address.
        address: SocketAddr,
        /// What stands against it.
        error: HandshakeError,
    },
    /// Another peer than the one looked for is there.
    #[error("at {address} is {found}, not {expected}: it may have been set up anew")]
    OtherPeer {
        /// The address.
        address: SocketAddr,
        /// The peer looked for.
        expected: PeerId,
        /// The peer found.
        found: PeerId,
    },
    /// This node has as many links as it may have.
    #[error("no link to {address}: this node has its {most} links already")]
    TooManyLinks {
        /// The address.
        address: SocketAddr,
        /// The limit.
        most: usize,
    },
    /// This node goes down.
    #[error("no link to {address}: this node shuts down")]
    Shutdown {
        /// The address.
        address: SocketAddr,
    },
}

impl DialError {
    pub(super) fn from_shake(address: SocketAddr, error: ShakeError) -> Self {
        match error {
            ShakeError::Refused(error) => DialError::Handshake { address, error },
            ShakeError::Broken(message) => DialError::Unreachable { address, message },
        }
    }
}

/// Opens a TCP connection. A receive buffer must be set before, or it does not bound the window.
pub(super) async fn connect(
    address: SocketAddr,
    receive_buffer: Option<u32>,
) -> Result<TcpStream, DialError> {
    let stream = connect_tcp(address, receive_buffer).await;
    stream.map_err(|error| DialError::Unreachable { address, message: error.to_string() })
}

async fn connect_tcp(address: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
