//! Bounds that every message from outside must keep, whatever content it is about.

use samara_model::{
    HaveSummary, Holding, MAX_CANDIDATES, MAX_CHUNK_SIZE, MAX_MANIFEST_PART, MemberRecord,
    PeerMessage, Release, ReleaseName,
};

use crate::manifest::MAX_MANIFEST;

/// Most bytes of one piece, 1 MiB.
pub const MAX_PIECE: u32 = 1 << 20;
/// Most peers in one list.
pub const MAX_PEERS: usize = 256;
/// Most chunks in one `Have` or `Withdraw`.
pub const MAX_HAVES: usize = 1 << 16;

/// Largest chunk set: a content has at most as many chunks as hashes fit a manifest.
const MAX_SET_BYTES: usize = MAX_MANIFEST / 32 / 8;
/// Most holdings of one peer, and most contents in one handout.
const MAX_HOLDINGS: usize = 4096;
/// Most releases in one message.
const MAX_RELEASES: usize = 8192;
/// Most rows of the table in one message.
const MAX_RECORDS: usize = 16384;
/// Most bytes of the membership protocol in one message.
const MAX_MEMBERS: usize = 512 << 10;
/// Longest signature; ed25519 takes 64 bytes.
const MAX_SIGNATURE: usize = 256;

/// Why a message is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckMessageError {
    /// Too many, too few, too long or too short.
    #[error("{what}: {found}, allowed are {least} to {most}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The least allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
    /// A thousandth above 1000.
    #[error("a completion of {0} thousandths")]
    Permille(u16),
    /// A release whose name or version cannot be one.
    #[error("a release is named `{0}`")]
    ReleaseName(String),
}

/// Checks what holds for any content: counts, sizes, names.
///
/// # Errors
/// The first bound that is broken.
pub fn check_message(message: &PeerMessage) -> Result<(), CheckMessageError> {
    use PeerMessage::*;
    match message {
        Open { manifest_bytes, have, .. } => {
            check_have(have)?;
            at_most("bytes of a manifest", manifest_bytes.unwrap_or(0) as usize, MAX_MANIFEST)
        }
        HaveSet { have, .. } => check_have(have),
        Have { chunks, .. } | Withdraw { chunks, .. } => at_most("chunks", chunks.len(), MAX_HAVES),
        Offer { chunks, .. } => within("candidates", chunks.len(), 1, MAX_CANDIDATES),
        Piece { offset, length, .. } => check_piece(*offset, *length),
        ManifestRequest { offset, .. } => check_manifest_part(*offset, 0),
        ManifestPart { offset, bytes, .. } => check_manifest_part(*offset, bytes.len()),
        Peers { peers, .. } => check_hints(peers),
        Find { release, .. } => release.as_ref().map_or(Ok(()), check_name),
        Found { release, holders, .. } => {
            release.as_ref().map_or(Ok(()), check_release)?;
            check_hints(holders)
        }
        Announce { holdings, releases, .. } => {
            check_holdings(holdings)?;
            check_releases(releases)
        }
        Handout { neighbours, refused, .. } => {
            at_most("contents", neighbours.len(), MAX_HOLDINGS)?;
            neighbours.iter().try_for_each(|(_, hints)| check_hints(hints))?;
            check_releases(refused)
        }
        FullState { members, table, releases, .. } => {
            at_most("bytes of membership", members.len(), MAX_MEMBERS)?;
            at_most("rows of the table", table.len(), MAX_RECORDS)?;
            table.iter().try_for_each(|MemberRecord { holdings, .. }| check_holdings(holdings))?;
            check_releases(releases)
        }
        Close { .. }
        | WantHaves { .. }
        | Accept { .. }
        | Decline { .. }
        | Request { .. }
        | Refuse { .. }
        | Cancel { .. }
        | Reject { .. }
        | Ping { .. }
        | Pong { .. }
        | Bye
        // Labels check themselves.
        | Relabelled { .. } => Ok(()),
    }
}

fn check_piece(offset: u32, length: u32) -> Result<(), CheckMessageError> {
    within("bytes of a piece", length as usize, 1, MAX_PIECE as usize)?;
    at_most("end of a piece", offset as usize + length as usize, MAX_CHUNK_SIZE as usize)
}

fn check_manifest_part(offset: u32, len: usize) -> Result<(), CheckMessageError> {
    at_most("bytes of a manifest part", len, MAX_MANIFEST_PART as usize)?;
    at_most("end of a manifest part", offset as usize + len, MAX_MANIFEST)
}

fn check_have(have: &HaveSummary) -> Result<(), CheckMessageError> {
    match have {
        HaveSummary::Some(bytes) => at_most("bytes of a chunk set", bytes.len(), MAX_SET_BYTES),
        HaveSummary::Nothing | HaveSummary::Everything => Ok(()),
    }
}

fn check_hints(hints: &[samara_model::PeerHint]) -> Result<(), CheckMessageError> {
    at_most("peers", hints.len(), MAX_PEERS)?;
    hints.iter().try_for_each(|hint| check_permille(hint.permille))
}

fn check_holdings(holdings: &[Holding]) -> Result<(), CheckMessageError> {
    at_most("holdings", holdings.len(), MAX_HOLDINGS)?;
    holdings.iter().try_for_each(|holding| check_permille(holding.permille))
}

fn check_permille(permille: u16) -> Result<(), CheckMessageError> {
    if permille <= 1000 { Ok(()) } else { Err(CheckMessageError::Permille(permille)) }
}

fn check_releases(releases: &[Release]) -> Result<(), CheckMessageError> {
    at_most("releases", releases.len(), MAX_RELEASES)?;
    releases.iter().try_for_each(check_release)
}

fn check_release(release: &Release) -> Result<(), CheckMessageError> {
    let signature = release.signature.as_ref().map_or(0, Vec::len);
    at_most("bytes of a signature", signature, MAX_SIGNATURE)?;
    check_name(&release.release)
}

fn check_name(name: &ReleaseName) -> Result<(), CheckMessageError> {
    ReleaseName::new(&name.name, &name.version)
        .map(drop)
        .map_err(|_| CheckMessageError::ReleaseName(name.to_string().chars().take(80).collect()))
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), CheckMessageError> {
    within(what, found, 0, most)
}

fn within(
    what: &'static str,
    found: usize,
    least: usize,
    most: usize,
) -> Result<(), CheckMessageError> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(CheckMessageError::Count { what, found, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samara_model::{ContentId, PeerHint, PeerId, Place};

    fn hint(permille: u16) -> PeerHint {
        PeerHint {
            peer: PeerId([1; 32]),
            address: ([127, 0, 0, 1], 1).into(),
            permille,
            place: Place::default(),
        }
    }

    fn refused(message: PeerMessage) {
        assert!(check_message(&message).is_err(), "{message:?}");
    }

    #[test]
    fn counts_out_of_bounds_are_refused() {
        refused(PeerMessage::Offer { channel: 0, chunks: vec![], inbound: 0 });
        refused(PeerMessage::Offer { channel: 0, chunks: vec![0; 9], inbound: 0 });
        refused(PeerMessage::Have { channel: 0, chunks: vec![0; MAX_HAVES + 1], inbound: 0 });
        refused(PeerMessage::Piece { channel: 0, chunk: 0, offset: 0, length: 0 });
        refused(PeerMessage::Piece { channel: 0, chunk: 0, offset: 0, length: MAX_PIECE + 1 });
        refused(PeerMessage::Piece { channel: 0, chunk: 0, offset: u32::MAX, length: 1 });
        refused(PeerMessage::ManifestPart { channel: 0, offset: 0, bytes: vec![0; 65537] });
        refused(PeerMessage::ManifestRequest { channel: 0, offset: u32::MAX });
        refused(PeerMessage::Peers { channel: 0, peers: vec![hint(0); 257] });
        refused(PeerMessage::Peers { channel: 0, peers: vec![hint(1001)] });
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let release = ReleaseName { name: "a\u{1b}[2J".into(), version: "1".into() };
        refused(PeerMessage::Find { token: 0, release: Some(release), content: None });
    }

    #[test]
    fn honest_bounds_pass() {
        let peers = vec![hint(1000); MAX_PEERS];
        assert_eq!(check_message(&PeerMessage::Peers { channel: 0, peers }), Ok(()));
        let whole = PeerMessage::Piece { channel: 0, chunk: 9, offset: 0, length: MAX_PIECE };
        assert_eq!(check_message(&whole), Ok(()));
        let neighbours = vec![(ContentId([0; 32]), vec![hint(3)])];
        let handout = PeerMessage::Handout { token: 0, neighbours, refused: vec![], expires_s: 9 };
        assert_eq!(check_message(&handout), Ok(()));
    }
}
