//! Who this node is: an ed25519 key made at its first start; the peer id is BLAKE3 of its public half.

use ed25519_dalek::SigningKey;
use samara_model::PeerId;
use samara_store::Store;

const FILE: &str = "identity.key";

/// The identity cannot be read or made; the node does not start.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The system gives no random bytes.
    #[error("cannot make an identity: the system gives no random bytes ({0})")]
    NoRandomness(String),
    /// The key cannot be kept.
    #[error("cannot write the node's identity into {dir}; check that the directory is writable")]
    NotSaved {
        /// The data directory.
        dir: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Reads the key, or makes one and keeps it. A damaged key file is replaced: the node gets a new id.
pub fn load_or_make(store: &Store) -> Result<PeerId, IdentityError> {
    if let Some(secret) = store.read_state(FILE) {
        match <[u8; 32]>::try_from(secret.as_slice()) {
            Ok(secret) => return Ok(peer_id(&secret)),
            Err(_) => tracing::warn!("{FILE} is damaged; the node gets a new id"),
        }
    }
    let secret = random_bytes()?;
    store
        .write_state(FILE, &secret)
        .map_err(|source| IdentityError::NotSaved { dir: store.dir().to_path_buf(), source })?;
    Ok(peer_id(&secret))
}

/// 32 random bytes from the system.
pub fn random_bytes() -> Result<[u8; 32], IdentityError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| IdentityError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

fn peer_id(secret: &[u8; 32]) -> PeerId {
    let public = SigningKey::from_bytes(secret).verifying_key();
    PeerId(*blake3::hash(public.as_bytes()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_id() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let first = load_or_make(&Store::open(dir.path()).expect("opens")).expect("made");
        let again = load_or_make(&Store::open(dir.path()).expect("opens")).expect("read");
        assert_eq!(first, again);
    }

    #[test]
    fn a_damaged_key_gives_a_new_id() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(dir.path()).expect("opens");
        let first = load_or_make(&store).expect("made");
        store.write_state(FILE, b"short").expect("written");
        assert_ne!(first, load_or_make(&store).expect("made anew"));
    }
}
