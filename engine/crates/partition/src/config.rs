//! A topic's configuration, as far as a partition acts on it. Names and defaults are Kafka's.

use std::fmt;

use batch::Codec;
pub use batch::TimestampType;

/// What becomes of old records, `cleanup.policy`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanupPolicy {
    /// The last record of each key stays.
    pub compact: bool,
    /// Segments beyond the retention go.
    pub delete: bool,
}

/// The configuration in effect.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicConfig {
    /// `cleanup.policy`.
    pub cleanup: CleanupPolicy,
    /// `compression.type`; `None` keeps the producer's.
    pub compression: Option<Codec>,
    /// `compression.gzip.level`.
    pub gzip_level: i32,
    /// `compression.lz4.level`.
    pub lz4_level: i32,
    /// `compression.zstd.level`.
    pub zstd_level: i32,
    /// `max.message.bytes`: the largest batch, with the 12 bytes before its length counts.
    pub batch_bytes_max: usize,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`.
    pub timestamp_before_ms_max: i64,
    /// `message.timestamp.after.max.ms`.
    pub timestamp_after_ms_max: i64,
    /// `retention.ms`; `None` keeps for ever.
    pub retention_ms: Option<i64>,
    /// `retention.bytes`; `None` keeps any amount.
    pub retention_bytes: Option<u64>,
    /// `segment.bytes`.
    pub segment_bytes: u64,
    /// `segment.ms`.
    pub segment_ms: i64,
    /// `index.interval.bytes`.
    pub index_interval_bytes: u32,
    /// `delete.retention.ms`: how long a deletion is kept after compaction first meets it.
    pub delete_retention_ms: i64,
    /// `min.compaction.lag.ms`: a record younger than this is not compacted.
    pub compaction_lag_ms_min: i64,
    /// `max.compaction.lag.ms`: a record is compacted at the latest so long after it came.
    pub compaction_lag_ms_max: i64,
    /// `min.cleanable.dirty.ratio`: from above this share of new bytes on it is worth the work.
    pub dirty_ratio_min: f64,
    /// `write.caching`: acknowledge when the order is fixed, before anything is durable.
    pub write_caching: bool,
}

impl Default for TopicConfig {
    fn default() -> Self {
        TopicConfig {
            cleanup: CleanupPolicy { compact: false, delete: true },
            compression: None,
            gzip_level: -1,
            lz4_level: 9,
            zstd_level: 3,
            batch_bytes_max: model::limits::BATCH_BYTES_MAX_DEFAULT,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_ms_max: i64::MAX,
            timestamp_after_ms_max: 3_600_000,
            retention_ms: Some(604_800_000),
            retention_bytes: None,
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            index_interval_bytes: 4096,
            delete_retention_ms: 86_400_000,
            compaction_lag_ms_min: 0,
            compaction_lag_ms_max: i64::MAX,
            dirty_ratio_min: 0.5,
            write_caching: false,
        }
    }
}

/// A value that its setting cannot have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// Which setting.
    pub name: &'static str,
    /// The value given.
    pub value: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be {:?}", self.name, self.value)
    }
}

impl std::error::Error for ConfigError {}

impl TopicConfig {
    /// Reads Kafka's names and values. Names that a partition does not act on are ignored; what is not named has Kafka's
    /// default.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Result<TopicConfig, ConfigError> {
        let mut config = TopicConfig::default();
        for (name, value) in pairs {
            config.set(name, value.trim())?;
        }
        Ok(config)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "cleanup.policy" => self.cleanup = cleanup(value)?,
            "compression.type" => self.compression = compression(value)?,
            "compression.gzip.level" => self.gzip_level = number("compression.gzip.level", value)?,
            "compression.lz4.level" => self.lz4_level = number("compression.lz4.level", value)?,
            "compression.zstd.level" => self.zstd_level = number("compression.zstd.level", value)?,
            "max.message.bytes" => {
                let max: usize = number("max.message.bytes", value)?;
                self.batch_bytes_max = max.min(model::limits::BATCH_BYTES_MAX);
            }
            "message.timestamp.type" => self.timestamp_type = timestamp_type(value)?,
            "message.timestamp.before.max.ms" => {
                self.timestamp_before_ms_max = number("message.timestamp.before.max.ms", value)?;
            }
            "message.timestamp.after.max.ms" => {
                self.timestamp_after_ms_max = number("message.timestamp.after.max.ms", value)?;
            }
            "retention.ms" => {
                let ms: i64 = number("retention.ms", value)?;
                self.retention_ms = (ms >= 0).then_some(ms);
            }
            "retention.bytes" => {
                let bytes: i64 = number("retention.bytes", value)?;
                self.retention_bytes = u64::try_from(bytes).ok();
            }
            "segment.bytes" => self.segment_bytes = number("segment.bytes", value)?,
            "segment.ms" => self.segment_ms = number("segment.ms", value)?,
            "index.interval.bytes" => self.index_interval_bytes = number("index.interval.bytes", value)?,
            "delete.retention.ms" => self.delete_retention_ms = number("delete.retention.ms", value)?,
            "min.compaction.lag.ms" => self.compaction_lag_ms_min = number("min.compaction.lag.ms", value)?,
            "max.compaction.lag.ms" => self.compaction_lag_ms_max = number("max.compaction.lag.ms", value)?,
            "min.cleanable.dirty.ratio" => self.dirty_ratio_min = number("min.cleanable.dirty.ratio", value)?,
            "write.caching" => self.write_caching = flag("write.caching", value)?,
            _ => {}
        }
        Ok(())
    }
}

fn refuse(name: &'static str, value: &str) -> ConfigError {
    ConfigError { name, value: value.to_owned() }
}

fn number<T: std::str::FromStr>(name: &'static str, value: &str) -> Result<T, ConfigError> {
    value.parse().map_err(|_| refuse(name, value))
}

fn flag(name: &'static str, value: &str) -> Result<bool, ConfigError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(refuse(name, value)),
    }
}

fn cleanup(value: &str) -> Result<CleanupPolicy, ConfigError> {
    let mut policy = CleanupPolicy { compact: false, delete: false };
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "compact" => policy.compact = true,
            "delete" => policy.delete = true,
            _ => return Err(refuse("cleanup.policy", value)),
        }
    }
    Ok(policy)
}

fn compression(value: &str) -> Result<Option<Codec>, ConfigError> {
    match value {
        "producer" => Ok(None),
        "uncompressed" => Ok(Some(Codec::None)),
        "gzip" => Ok(Some(Codec::Gzip)),
        "snappy" => Ok(Some(Codec::Snappy)),
        "lz4" => Ok(Some(Codec::Lz4)),
        "zstd" => Ok(Some(Codec::Zstd)),
        _ => Err(refuse("compression.type", value)),
    }
}

fn timestamp_type(value: &str) -> Result<TimestampType, ConfigError> {
    match value {
        "CreateTime" => Ok(TimestampType::CreateTime),
        "LogAppendTime" => Ok(TimestampType::LogAppendTime),
        _ => Err(refuse("message.timestamp.type", value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_has_kafkas_default_and_unknown_names_are_ignored() {
        let config = TopicConfig::from_pairs(&[("retention.ms", "-1"), ("min.insync.replicas", "2")]);
        let expected = TopicConfig { retention_ms: None, ..TopicConfig::default() };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn both_policies_may_hold_at_once_and_a_value_that_cannot_be_is_named() {
        let config = TopicConfig::from_pairs(&[("cleanup.policy", "compact, delete")]).expect("valid");
        assert_eq!(config.cleanup, CleanupPolicy { compact: true, delete: true });
        let error = TopicConfig::from_pairs(&[("segment.bytes", "big")]).expect_err("not a number");
        assert_eq!(error.to_string(), "segment.bytes cannot be \"big\"");
    }
}
