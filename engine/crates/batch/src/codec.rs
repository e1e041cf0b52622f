//! The five codecs. Reading is bounded in bytes and in ratio; writing is what Kafka's own clients can read.

mod xerial;

use std::io::{Read, Write};

use crate::{BatchError, HEADER_BYTES, Header};

/// Records may always grow to this when decompressed (zeros shrink 20,000 times, and honest batches are that small) ...
const RATIO_FREE_BYTES: usize = 16 << 20;
/// ... and beyond it at most this many times the compressed bytes.
const RATIO_MAX: usize = 1024;
/// zstd's default limit (128 MiB) on the history a frame may ask for; the memory is only touched as output is made.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
/// Kafka's default, `compression.zstd.level`.
const ZSTD_LEVEL_DEFAULT: i32 = 3;
/// zlib's default, `compression.gzip.level`.
const GZIP_LEVEL_DEFAULT: u32 = 6;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // the protocol's own names
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    /// All of them, by rising id.
    pub const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    /// The number in a batch's attributes.
    #[must_use]
    pub const fn id(self) -> i16 {
        self as i16
    }

    /// The codec of a number.
    #[must_use]
    pub fn of_id(id: i16) -> Option<Codec> {
        Codec::ALL.into_iter().find(|codec| codec.id() == id)
    }

    /// Its name in `compression.type`; `None` is Kafka's `none` of producers (topics say `uncompressed`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Gzip => "gzip",
            Codec::Snappy => "snappy",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }
}

/// Appends the records section of one whole batch to `out`, decompressed; at most `max` bytes (see
/// `model::limits::BATCH_DECOMPRESSED_BYTES_MAX`). On an error `out` may hold a part.
pub fn decompress(header: &Header, bytes: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), BatchError> {
    let codec = header.attributes.codec()?;
    let packed = bytes.get(HEADER_BYTES..header.total_bytes()).ok_or(BatchError::Short)?;
    let ratio_max = packed.len().saturating_mul(RATIO_MAX).max(RATIO_FREE_BYTES);
    let max = max.min(ratio_max);
    match codec {
        Codec::None if packed.len() > max => Err(BatchError::Bomb),
        Codec::None => {
            out.extend_from_slice(packed);
            Ok(())
        }
        Codec::Gzip => drain(codec, &mut flate2::bufread::MultiGzDecoder::new(packed), out, max),
        Codec::Snappy => xerial::decompress(packed, out, max),
        Codec::Lz4 => unlz4(packed, out, max),
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)
                .map_err(|_| BatchError::Compressed(codec))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| BatchError::Compressed(codec))?;
            drain(codec, &mut decoder, out, max)
        }
    }
}

/// The records section of one whole batch: borrowed if it is not compressed, else decompressed into `scratch`.
pub fn section<'a>(
    header: &Header,
    bytes: &'a [u8],
    scratch: &'a mut Vec<u8>,
    max: usize,
) -> Result<&'a [u8], BatchError> {
    if header.attributes.codec()? == Codec::None {
        return bytes.get(HEADER_BYTES..header.total_bytes()).ok_or(BatchError::Short);
    }
    scratch.clear();
    decompress(header, bytes, scratch, max)?;
    Ok(scratch)
}

/// Reads to the end, growing with what really comes, and one byte past `max` to know that there is more.
fn drain(codec: Codec, reader: &mut dyn Read, out: &mut Vec<u8>, max: usize) -> Result<(), BatchError> {
    let read = reader.take(max as u64 + 1).read_to_end(out).map_err(|_| BatchError::Compressed(codec))?;
    if read > max { Err(BatchError::Bomb) } else { Ok(()) }
}

fn unlz4(packed: &[u8], out: &mut Vec<u8>, max: usize) -> Result<(), BatchError> {
    // The decoder takes an input that stops between blocks for an end, and does not look behind the end mark.
    if lz4_frame_bytes(packed) != Some(packed.len()) {
        return Err(BatchError::Compressed(Codec::Lz4));
    }
    drain(Codec::Lz4, &mut lz4_flex::frame::FrameDecoder::new(packed), out, max)
}

/// Bytes of the LZ4 frame at the front, up to its end mark and checksum; `None` if it does not end.
fn lz4_frame_bytes(frame: &[u8]) -> Option<usize> {
    const BLOCK_CHECKSUM: u8 = 1 << 4;
    const CONTENT_SIZE: u8 = 1 << 3;
    const CONTENT_CHECKSUM: u8 = 1 << 2;
    const DICTIONARY: u8 = 1;
    let flags = *frame.get(4)?;
    let field = |flag: u8, bytes: usize| if flags & flag == 0 { 0 } else { bytes };
    // Magic, flags, block descriptor, two fields that may be there, header checksum.
    let mut at = 4 + 2 + field(CONTENT_SIZE, 8) + field(DICTIONARY, 4) + 1;
    loop {
        let size = u32::from_le_bytes(*frame.get(at..)?.first_chunk()?);
        at += 4;
        if size == 0 {
            return Some(at + field(CONTENT_CHECKSUM, 4));
        }
        // The top bit says that the block is stored as it is.
        at += (size & 0x7fff_ffff) as usize + field(BLOCK_CHECKSUM, 4);
    }
}

/// Appends `records` to `out`, compressed. `level` is the codec's own scale; snappy and lz4 (which has one speed here)
/// do not look at it.
pub(crate) fn compress(codec: Codec, level: Option<i32>, records: &[u8], out: &mut Vec<u8>) {
    const MEMORY: &str = "writing to memory does not fail";
    match codec {
        Codec::None => out.extend_from_slice(records),
        Codec::Gzip => {
            let level =
                level.and_then(|level| u32::try_from(level).ok()).unwrap_or(GZIP_LEVEL_DEFAULT).min(9);
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(level));
            encoder.write_all(records).expect(MEMORY);
            encoder.finish().expect(MEMORY);
        }
        Codec::Snappy => xerial::compress(records, out),
        Codec::Lz4 => {
            use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
            // As Kafka's Java client writes it: independent blocks of 64 KiB, no content checksum.
            let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
            let mut encoder = FrameEncoder::with_frame_info(info, out);
            encoder.write_all(records).expect(MEMORY);
            encoder.finish().expect(MEMORY);
        }
        Codec::Zstd => {
            let level = level.unwrap_or(ZSTD_LEVEL_DEFAULT);
            zstd::stream::copy_encode(records, out, level).expect(MEMORY);
        }
    }
}
