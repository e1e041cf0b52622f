//! One RecordBatch v2, encoded once and replayed.
//!
//! The CRC covers attributes to end, so base offset and leader epoch may stay what they are, whatever the broker assigns.

use crate::crc32c::crc32c;

/// Fixed part of a batch, base offset and length included.
pub const HEADER_BYTES: usize = 61;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;

pub struct Batch {
    pub bytes: Vec<u8>,
    pub records: u32,
}

/// A batch of as many records of `record_bytes` value bytes as fit into `batch_bytes`, at least one; no key, no headers.
///
/// The values are pseudo-random, so that no layer below can gain by compressing them.
pub fn encode(batch_bytes: usize, record_bytes: usize, now_ms: i64) -> Batch {
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut value = vec![0_u8; record_bytes];
    let mut section = Vec::with_capacity(batch_bytes);
    let mut records = 0_u32;
    loop {
        for byte in &mut value {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            *byte = noise as u8;
        }
        let record = encode_record(records, &value);
        if records > 0 && HEADER_BYTES + section.len() + record.len() > batch_bytes {
            break;
        }
        section.extend_from_slice(&record);
        records += 1;
        if HEADER_BYTES + section.len() >= batch_bytes {
            break;
        }
    }
    Batch {
        bytes: frame_section(&section, records, now_ms),
        records,
    }
}

fn frame_section(section: &[u8], records: u32, now_ms: i64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + section.len());
    bytes.extend_from_slice(&0_i64.to_be_bytes()); // base offset
    bytes.extend_from_slice(&((HEADER_BYTES - 12 + section.len()) as i32).to_be_bytes());
    bytes.extend_from_slice(&(-1_i32).to_be_bytes()); // leader epoch
    bytes.push(2); // magic
    bytes.extend_from_slice(&[0; 4]); // CRC, below
    bytes.extend_from_slice(&0_i16.to_be_bytes()); // attributes: no codec, CreateTime
    bytes.extend_from_slice(&(records as i32 - 1).to_be_bytes());
    bytes.extend_from_slice(&now_ms.to_be_bytes());
    bytes.extend_from_slice(&now_ms.to_be_bytes());
    bytes.extend_from_slice(&(-1_i64).to_be_bytes()); // producer id
    bytes.extend_from_slice(&(-1_i16).to_be_bytes());
    bytes.extend_from_slice(&(-1_i32).to_be_bytes()); // base sequence
    bytes.extend_from_slice(&(records as i32).to_be_bytes());
    bytes.extend_from_slice(section);
    let crc = crc32c(&bytes[ATTRIBUTES_AT..]);
    bytes[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn encode_record(offset_delta: u32, value: &[u8]) -> Vec<u8> {
    let mut body = vec![0_u8]; // attributes
    zigzag(&mut body, 0); // timestamp delta
    zigzag(&mut body, i64::from(offset_delta));
    zigzag(&mut body, -1); // null key
    zigzag(&mut body, value.len() as i64);
    body.extend_from_slice(value);
    zigzag(&mut body, 0); // headers
    let mut record = Vec::with_capacity(body.len() + 3);
    zigzag(&mut record, body.len() as i64);
    record.extend_from_slice(&body);
    record
}

fn zigzag(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// What a reader needs of a batch's header: its whole size, the offset after it, its codec.
pub struct Seen {
    pub total_bytes: usize,
    pub next_offset: i64,
    pub records: u32,
    pub codec: u8,
}

/// Reads the header at the start of `bytes`; `None` if the batch is not whole (a fetch may end within one).
pub fn look(bytes: &[u8]) -> Option<Seen> {
    let header = bytes.get(..HEADER_BYTES)?;
    let field = |at: usize| i32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let total_bytes = 12 + usize::try_from(field(8)).ok()?;
    if bytes.len() < total_bytes {
        return None;
    }
    let base = i64::from_be_bytes(header[..8].try_into().expect("eight bytes"));
    Some(Seen {
        total_bytes,
        next_offset: base + i64::from(field(23)) + 1,
        records: field(57) as u32,
        codec: header[22] & 7,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_fills_its_size_and_reads_back() {
        let batch = encode(16 * 1024, 100, 7);
        assert!(batch.bytes.len() <= 16 * 1024 && batch.bytes.len() > 16 * 1024 - 120);
        let seen = look(&batch.bytes).expect("whole");
        assert_eq!(
            (seen.total_bytes, seen.next_offset, seen.records),
            (batch.bytes.len(), i64::from(batch.records), batch.records)
        );
        assert!(look(&batch.bytes[..batch.bytes.len() - 1]).is_none());
    }

    #[test]
    fn one_record_always_fits() {
        assert_eq!(encode(10, 1024, 0).records, 1);
    }
}
