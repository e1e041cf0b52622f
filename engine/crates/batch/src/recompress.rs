//! The same records under another codec (`compression.type` of a topic).

use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

use crate::builder::assemble;
use crate::{BatchError, Codec, Header, records, section};

/// One whole batch with its records compressed anew; everything else stays but length, codec and CRC. The records are
/// checked on the way. `level` is on the codec's own scale.
pub fn recompress(bytes: &[u8], to: Codec, level: Option<i32>) -> Result<Vec<u8>, BatchError> {
    let header = Header::read(bytes)?;
    let mut scratch = Vec::new();
    let section = section(&header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?;
    records(&header, section).try_for_each(|record| record.map(drop))?;
    Ok(assemble(&header, section, to, level))
}
