//! The form of a commit on disk, and how one is told from bytes that only look like one.
//!
//! ```text
//! 0   magic u32    4   format u16   6   zero u16    8   crc32c u32     12  length u32, with this header
//! 16  salt u64     24  previous salt u64            32  number u64
//! 40  file use u32 44  start u32                    48  zero, 16 bytes 64  records
//! ```
//! Little-endian. A commit begins on a block and fills whole blocks; the rest of the last one is zero. The checksum covers
//! all of its blocks (its own field as zero) and is seeded with the salt: a producer's payload or a recycled block cannot pass
//! for a commit of this opening. The upper half of a salt is random for the journal's life, the lower half for each opening.

use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use crate::checksum::{self, Known};
use crate::frame::Fields;
use crate::rules::{Rule, off};

/// Bytes before the first record.
pub const HEADER_BYTES: usize = 64;
/// The format that this version writes; a newer one is refused.
pub const FORMAT: u16 = 1;
const MAGIC: u32 = u32::from_le_bytes(*b"hrj\x01");
const CRC_AT: usize = 8;

/// A commit's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes with this header, without the padding.
    pub length: u32,
    /// Random, the same for everything written since the journal was opened.
    pub salt: u64,
    /// The salt of the opening that this one continues.
    pub previous_salt: u64,
    /// Rises by one.
    pub number: u64,
    /// Which use of the file this is; rises by one at every change of files.
    pub file_use: u32,
    /// The oldest file use that recovery needs.
    pub start: u32,
}

/// What a block may be the beginning of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Head {
    /// Not a commit's beginning.
    Other,
    /// Of a newer version.
    Newer(u16),
    /// A header; its checksum is not verified yet.
    Header(Header),
}

/// The half of a salt that all openings of a journal share.
const JOURNAL_HALF: u64 = !0 << 32;

/// The salt of an opening that goes on behind commits with the salt `before`.
pub(crate) fn next_salt(before: Option<u64>, random: u64) -> u64 {
    before.map_or(random, |before| before & JOURNAL_HALF | random & !JOURNAL_HALF)
}

/// Whether two commits are of one journal, whatever openings lie between them.
pub(crate) fn same_journal(one: &Header, other: &Header) -> bool {
    one.salt & JOURNAL_HALF == other.salt & JOURNAL_HALF
}

/// Whole blocks that `length` bytes fill.
#[must_use]
pub const fn padded(length: usize) -> usize {
    length.next_multiple_of(BLOCK)
}

/// Looks at a block's first bytes.
#[must_use]
pub fn head(block: &[u8]) -> Head {
    let Some(block) = block.first_chunk::<HEADER_BYTES>() else { return Head::Other };
    let mut fields = Fields(block);
    let mut read = || {
        if fields.u32()? != MAGIC {
            return Ok(Head::Other);
        }
        let format = fields.u16()?;
        if format > FORMAT {
            return Ok(Head::Newer(format));
        }
        fields.take(6)?;
        Ok(Head::Header(Header {
            length: fields.u32()?,
            salt: fields.u64()?,
            previous_salt: fields.u64()?,
            number: fields.u64()?,
            file_use: fields.u32()?,
            start: fields.u32()?,
        }))
    };
    let found: Result<Head, crate::frame::Malformed> = read();
    found.unwrap_or(Head::Other)
}

/// The whole commit that begins with `bytes` (which may go on behind it), if there is one.
#[must_use]
pub fn whole(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let Head::Header(header) = head(bytes) else { return None };
    let length = header.length as usize;
    if length < HEADER_BYTES {
        return None;
    }
    let blocks = bytes.get(..padded(length))?;
    if !off(Rule::CommitChecksum) && stored_crc(blocks) != checksum(header.salt, blocks, &[]) {
        return None;
    }
    Some((header, &blocks[..length]))
}

/// Writes the header over the first bytes of a commit's blocks, with the checksum over all of them.
pub fn finish(blocks: &mut [u8], header: &Header) {
    finish_knowing(blocks, header, &[]);
}

/// As [`finish`], where the checksums of some bytes are known.
pub(crate) fn finish_knowing(blocks: &mut [u8], header: &Header, known: &[Known]) {
    let mut head = [0_u8; HEADER_BYTES];
    head[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    head[4..6].copy_from_slice(&FORMAT.to_le_bytes());
    head[12..16].copy_from_slice(&header.length.to_le_bytes());
    head[16..24].copy_from_slice(&header.salt.to_le_bytes());
    head[24..32].copy_from_slice(&header.previous_salt.to_le_bytes());
    head[32..40].copy_from_slice(&header.number.to_le_bytes());
    head[40..44].copy_from_slice(&header.file_use.to_le_bytes());
    head[44..48].copy_from_slice(&header.start.to_le_bytes());
    blocks[..HEADER_BYTES].copy_from_slice(&head);
    let crc = checksum(header.salt, blocks, known);
    debug_assert_eq!(crc, checksum(header.salt, blocks, &[]), "what is known is true");
    blocks[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
}

fn stored_crc(blocks: &[u8]) -> u32 {
    u32::from_le_bytes(*blocks[CRC_AT..].first_chunk().expect("a commit has a header"))
}

fn checksum(salt: u64, blocks: &[u8], known: &[Known]) -> u32 {
    let seed = crc32c::crc32c(&salt.to_le_bytes());
    let seed = crc32c::crc32c_append(seed, &blocks[..CRC_AT]);
    let seed = crc32c::crc32c_append(seed, &[0; 4]);
    checksum::checksum(seed, blocks, CRC_AT + 4, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(length: usize) -> (Header, Vec<u8>) {
        let header = Header {
            length: u32::try_from(length).unwrap(),
            salt: 0x1234_5678_9abc_def0,
            previous_salt: 7,
            number: 42,
            file_use: 3,
            start: 2,
        };
        let mut blocks = vec![0_u8; padded(length)];
        blocks[HEADER_BYTES..length].fill(0xa5);
        finish(&mut blocks, &header);
        (header, blocks)
    }

    #[test]
    fn what_was_finished_is_whole_also_with_bytes_behind_it() {
        for length in [HEADER_BYTES, 100, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let (header, mut blocks) = sample(length);
            blocks.extend_from_slice(&[9; 100]);
            let (read, bytes) = whole(&blocks).unwrap();
            assert_eq!(read, header);
            assert_eq!(bytes.len(), length);
        }
    }

    #[test]
    fn any_changed_byte_breaks_it() {
        let (_, blocks) = sample(2 * BLOCK - 5);
        for at in (0..blocks.len()).step_by(97).chain(0..HEADER_BYTES).chain([blocks.len() - 1]) {
            let mut bad = blocks.clone();
            bad[at] ^= 0x10;
            assert!(whole(&bad).is_none(), "byte {at} is not covered");
        }
        assert!(whole(&blocks[..BLOCK]).is_none(), "the second block is missing");
    }

    #[test]
    fn a_newer_format_is_told_apart() {
        let (_, mut blocks) = sample(100);
        blocks[4] = 2;
        assert_eq!(head(&blocks), Head::Newer(2));
        assert_eq!(head(&[0; BLOCK]), Head::Other);
        assert_eq!(head(&[]), Head::Other);
    }
}
