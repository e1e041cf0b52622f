//! Judging a batch before it is appended, and making of it what the topic's configuration asks for.
//!
//! The header and the checksum are always looked at, and so are records that are not compressed. What is compressed is
//! opened only where a rule is about single records: keys of a compacted topic, `message.timestamp.before.max.ms`,
//! recompression.

use std::borrow::Cow;

use batch::{Codec, HEADER_BYTES, Header};
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

use crate::config::{TimestampType, TopicConfig};
use crate::error::{AppendError, Blamed};
use crate::spec::Origin;

/// A batch that may be appended.
#[derive(Debug)]
pub struct Valid<'a> {
    /// Its header; offset and epoch are still the client's.
    pub header: Header,
    /// The batch: as it came, or made anew.
    pub bytes: Cow<'a, [u8]>,
    /// The broker's time if the topic keeps it, else -1.
    pub log_append_time_ms: i64,
}

/// Judges `bytes`, which must be exactly one whole batch.
pub fn validate<'a>(
    bytes: &'a [u8],
    origin: Origin,
    config: &TopicConfig,
    now_ms: i64,
) -> Result<Valid<'a>, AppendError> {
    if bytes.is_empty() {
        return Err(AppendError::NoBatch);
    }
    let header = batch::check(bytes)?;
    match origin {
        // Our own machines append what they made themselves, whatever the topic's configuration says to clients.
        Origin::Coordinator { .. } => {
            return Ok(Valid { header, bytes: Cow::Borrowed(bytes), log_append_time_ms: -1 });
        }
        Origin::Client { .. } if header.attributes.is_transactional() => {
            return Err(AppendError::NoTransactionalId);
        }
        Origin::Client { .. } | Origin::Transactional { .. } => {}
    }
    batch::check_sequence(&header)?;
    let without_producer = header.attributes.is_transactional() && header.producer_id < 0;
    if header.attributes.is_control() || without_producer {
        return Err(AppendError::InvalidRecord);
    }
    // Also before recompression, which must not be asked to open what is not even allowed.
    within_limit(bytes, config)?;
    let latest = records(&header, bytes, config, now_ms)?;
    let mut valid = Valid { header, bytes: recompressed(&header, bytes, config)?, log_append_time_ms: -1 };
    within_limit(&valid.bytes, config)?;
    if config.timestamp_type == TimestampType::LogAppendTime {
        batch::set_log_append_time(valid.bytes.to_mut(), now_ms);
        valid.log_append_time_ms = now_ms;
    }
    valid.header = Header::read(&valid.bytes)?;
    if let Some(latest) = latest.filter(|latest| lies(&valid.header, *latest)) {
        batch::set_max_timestamp(valid.bytes.to_mut(), latest);
        valid.header = Header::read(&valid.bytes)?;
    }
    Ok(valid)
}

fn within_limit(bytes: &[u8], config: &TopicConfig) -> Result<(), AppendError> {
    if bytes.len() > config.batch_bytes_max {
        return Err(AppendError::TooLarge);
    }
    if bytes.len() as u64 > config.segment_bytes {
        return Err(AppendError::LargerThanSegment);
    }
    Ok(())
}

/// Whether the header names another largest timestamp than the records have. Look-ups by time go by the header, so it is
/// put right, as Kafka does it.
fn lies(header: &Header, latest: i64) -> bool {
    header.attributes.timestamp_type() == TimestampType::CreateTime && header.max_timestamp != latest
}

/// The rules about single records. Gives their largest timestamp, if that was looked for.
fn records(
    header: &Header,
    bytes: &[u8],
    config: &TopicConfig,
    now_ms: i64,
) -> Result<Option<i64>, AppendError> {
    let times = Times::new(config, now_ms);
    let keyed = config.cleanup.compact;
    let must_open = keyed || times.must_open(header);
    if header.attributes.codec()? == Codec::None {
        let found = batch::walk(header, &bytes[HEADER_BYTES..])?;
        if !must_open && found.latest <= times.latest {
            return Ok(Some(found.latest));
        }
    } else if !must_open {
        return Ok(None); // opening costs more than all the rest together
    }
    let mut scratch = Vec::new();
    let section = batch::section(header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?;
    let mut latest = NO_TIMESTAMP;
    let (mut blamed, mut untimely): (Option<Blamed>, bool) = (None, false);
    for (record, number) in batch::records(header, section).zip(0..) {
        let record = record?;
        let timely = times.allows(record.timestamp);
        let keyless = keyed && record.key.is_none();
        if keyless || !timely {
            // A record is blamed for one thing: that it has no key, if it has none.
            untimely |= !keyless;
            blamed = Some(blamed.map_or(Blamed::one(number), |before| before.and(number)));
        }
        latest = latest.max(record.timestamp);
    }
    match blamed {
        None => Ok(Some(latest)),
        Some(records) if untimely => Err(AppendError::InvalidTimestamp(records)),
        Some(records) => Err(AppendError::NoKey(records)),
    }
}

/// Which timestamps are near enough to the broker's clock.
struct Times {
    earliest: i64,
    latest: i64,
}

impl Times {
    fn new(config: &TopicConfig, now_ms: i64) -> Times {
        if config.timestamp_type == TimestampType::LogAppendTime {
            return Times { earliest: i64::MIN, latest: i64::MAX };
        }
        Times {
            earliest: now_ms.saturating_sub(config.timestamp_before_ms_max),
            latest: now_ms.saturating_add(config.timestamp_after_ms_max),
        }
    }

    const fn allows(&self, timestamp: i64) -> bool {
        timestamp == NO_TIMESTAMP || self.earliest <= timestamp && timestamp <= self.latest
    }

    /// The header names the largest timestamp; the smallest is known only from the records.
    const fn must_open(&self, header: &Header) -> bool {
        self.earliest > 0 || header.max_timestamp > self.latest
    }
}

const NO_TIMESTAMP: i64 = -1;

fn recompressed<'a>(
    header: &Header,
    bytes: &'a [u8],
    config: &TopicConfig,
) -> Result<Cow<'a, [u8]>, AppendError> {
    let Some(to) = config.compression else { return Ok(Cow::Borrowed(bytes)) };
    let from = header.attributes.codec()?;
    if from == to {
        return Ok(Cow::Borrowed(bytes));
    }
    let level = match to {
        Codec::Gzip => Some(config.gzip_level),
        Codec::Lz4 => Some(config.lz4_level),
        Codec::Zstd => Some(config.zstd_level),
        Codec::None | Codec::Snappy => None,
    };
    Ok(Cow::Owned(batch::recompress(bytes, to, level)?))
}

#[cfg(test)]
mod tests;
