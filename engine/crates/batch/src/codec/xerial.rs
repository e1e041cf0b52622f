//! Snappy in two dresses: raw (librdkafka, Go clients) and the stream of the xerial library (Java).
//!
//! Xerial: `\x82SNAPPY\0`, version i32, compatible version i32, then chunks of length i32 and raw snappy. Both are read;
//! xerial is written, because old Java consumers read nothing else.

use crate::{BatchError, Codec};

const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
const HEADER_BYTES: usize = 16;
/// Xerial's default block, Kafka's too.
const CHUNK_BYTES: usize = 32 << 10;
/// A snappy copy makes at most 64 bytes out of 3, so a declared length beyond this many times the input is a lie.
const RATIO_MAX: usize = 64;

const CORRUPT: BatchError = BatchError::Compressed(Codec::Snappy);

pub(super) fn decompress(packed: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), BatchError> {
    if !packed.starts_with(MAGIC) {
        return raw(packed, out, max);
    }
    let mut rest = packed.get(HEADER_BYTES..).ok_or(CORRUPT)?;
    let mut left = max;
    while !rest.is_empty() {
        let (length, chunks) = rest.split_first_chunk().ok_or(CORRUPT)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| CORRUPT)?;
        let (chunk, after) = chunks.split_at_checked(length).ok_or(CORRUPT)?;
        let before = out.len();
        raw(chunk, out, left)?;
        left -= out.len() - before;
        rest = after;
    }
    Ok(())
}

fn raw(packed: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), BatchError> {
    if packed.is_empty() {
        return Err(CORRUPT); // snap takes it for an empty text
    }
    let len = snap::raw::decompress_len(packed).map_err(|_| CORRUPT)?;
    if len > max {
        return Err(BatchError::Bomb);
    }
    if len / RATIO_MAX > packed.len() {
        return Err(CORRUPT);
    }
    let before = out.len();
    out.resize(before + len, 0);
    let written = snap::raw::Decoder::new().decompress(packed, &mut out[before..]).map_err(|_| CORRUPT)?;
    if written == len { Ok(()) } else { Err(CORRUPT) }
}

pub(super) fn compress(records: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&1_i32.to_be_bytes());
    out.extend_from_slice(&1_i32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for chunk in records.chunks(CHUNK_BYTES) {
        let packed = encoder.compress_vec(chunk).expect("a chunk is far below snappy's 4 GiB");
        let length = i32::try_from(packed.len()).expect("a chunk of 32 KiB stays small");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&packed);
    }
}
