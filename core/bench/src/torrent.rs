//! A `.torrent` file for the rivals that want one (BEP 3, one file).

use std::{fs::File, io::Read, path::Path};

use sha1::{Digest, Sha1};

use crate::{
    contender::FILE_NAME,
    failure::{Doing, Result},
};

/// About a thousand pieces, which is what peers of this kind do best with; 16 KiB is the smallest block.
pub fn piece_length(size: u64) -> u64 {
    (size / 1024).next_power_of_two().clamp(16 << 10, 4 << 20)
}

/// Hashes `source` and writes `torrent`.
pub fn write_torrent(
    source: &Path,
    torrent: &Path,
    announce: Option<&str>,
    piece_length: u64,
) -> Result<()> {
    let mut file = File::open(source).doing(|| format!("opening {}", source.display()))?;
    let (mut pieces, mut length) = (Vec::new(), 0);
    loop {
        let mut piece = Vec::new();
        let read = file.by_ref().take(piece_length).read_to_end(&mut piece);
        length += read.doing(|| format!("reading {}", source.display()))? as u64;
        if piece.is_empty() {
            break;
        }
        pieces.extend_from_slice(&Sha1::digest(&piece));
    }
    let bytes = encode(announce, length, piece_length, &pieces);
    std::fs::write(torrent, bytes).doing(|| format!("writing {}", torrent.display()))
}

fn encode(announce: Option<&str>, length: u64, piece_length: u64, pieces: &[u8]) -> Vec<u8> {
    let announce = announce.map(|url| format!("8:announce{}:{url}", url.len())).unwrap_or_default();
    let name = format!("{}:{FILE_NAME}", FILE_NAME.len());
    let head = format!(
        "d{announce}4:infod6:lengthi{length}e4:name{name}12:piece lengthi{piece_length}e6:pieces{}:",
        pieces.len()
    );
    [head.as_bytes(), pieces, b"ee"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_bencoded_with_sorted_keys() {
        let bytes = encode(Some("http://t/a"), 5, 16384, b"12345678901234567890");
        let expected = "d8:announce10:http://t/a4:infod6:lengthi5e4:name11:payload.bin\
                        12:piece lengthi16384e6:pieces20:12345678901234567890ee";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn pieces_grow_with_the_file() {
        assert_eq!(piece_length(64 << 20), 64 << 10);
        assert_eq!(piece_length(1), 16 << 10);
        assert_eq!(piece_length(2 << 30), 2 << 20);
    }
}
