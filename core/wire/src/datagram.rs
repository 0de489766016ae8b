//! The envelope of gossip over UDP: is this samara, this version, this cluster?
//!
//! ```text
//! 4 bytes "SMRG" | 1 byte version | 8 bytes of the cluster's hash | payload, at most 1400 bytes
//! ```

/// Most payload of one datagram. With envelope, UDP and IPv6 headers 1461 bytes: fits an Ethernet frame.
pub const MAX_DATAGRAM_PAYLOAD: usize = 1400;

const MAGIC: [u8; 4] = *b"SMRG";
const VERSION: u8 = 1;
const HEADER: usize = 13;

/// Stands for a cluster id in a datagram.
pub type ClusterHash = [u8; 8];

/// A datagram that is not for us, or not from us. It is dropped and counted (`samara_datagrams_dropped_total`), never
/// answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// Something else found the port.
    #[error("a datagram does not come from samara")]
    NotSamara,
    /// Another version of the envelope.
    #[error("a datagram has version {found}; this version reads {VERSION}: update the older node")]
    Version {
        /// The version found.
        found: u8,
    },
    /// Another cluster on the same network.
    #[error("a datagram belongs to another cluster")]
    OtherCluster,
    /// More than [`MAX_DATAGRAM_PAYLOAD`].
    #[error("a datagram carries {size} bytes; at most {MAX_DATAGRAM_PAYLOAD} are allowed")]
    TooLarge {
        /// Bytes of payload.
        size: usize,
    },
}

/// The hash that stands for `cluster` in datagrams.
pub fn cluster_hash(cluster: &str) -> ClusterHash {
    let digest = blake3::hash(cluster.as_bytes());
    let mut hash = ClusterHash::default();
    hash.copy_from_slice(&digest.as_bytes()[..8]);
    hash
}

/// Puts `payload` into an envelope.
///
/// # Errors
/// [`DatagramError::TooLarge`]; nothing else.
pub fn wrap_datagram(cluster: ClusterHash, payload: &[u8]) -> Result<Vec<u8>, DatagramError> {
    if payload.len() > MAX_DATAGRAM_PAYLOAD {
        return Err(DatagramError::TooLarge { size: payload.len() });
    }
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&cluster);
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// The payload of a received datagram.
///
/// # Errors
/// When it comes from elsewhere.
pub fn unwrap_datagram(cluster: ClusterHash, bytes: &[u8]) -> Result<&[u8], DatagramError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(DatagramError::NotSamara)?;
    let (version, rest) = rest.split_first().ok_or(DatagramError::NotSamara)?;
    if *version != VERSION {
        return Err(DatagramError::Version { found: *version });
    }
    let (found, payload) = rest.split_first_chunk::<8>().ok_or(DatagramError::NotSamara)?;
    if *found != cluster {
        return Err(DatagramError::OtherCluster);
    }
    if payload.len() > MAX_DATAGRAM_PAYLOAD {
        return Err(DatagramError::TooLarge { size: payload.len() });
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn another_cluster_and_another_version_are_told_apart() {
        let mine = cluster_hash("mine");
        let mut bytes = wrap_datagram(mine, b"hi").expect("small");
        assert_eq!(unwrap_datagram(mine, &bytes), Ok(&b"hi"[..]));
        let other = unwrap_datagram(cluster_hash("other"), &bytes);
        assert_eq!(other, Err(DatagramError::OtherCluster));
        bytes[4] = 2;
        assert_eq!(unwrap_datagram(mine, &bytes), Err(DatagramError::Version { found: 2 }));
        assert_eq!(unwrap_datagram(mine, b"GET / HTTP/1.1"), Err(DatagramError::NotSamara));
    }

    proptest! {
        #[test]
        fn any_bytes_are_unwrapped_or_refused(bytes: Vec<u8>, payload: Vec<u8>) {
            let cluster = cluster_hash("c");
            let _ = unwrap_datagram(cluster, &bytes);
            let wrapped = wrap_datagram(cluster, &payload).expect("small");
            prop_assert_eq!(unwrap_datagram(cluster, &wrapped), Ok(&payload[..]));
        }
    }
}
