//! Compaction of keyed logs: the last record of each key stays.
//!
//! What is compacted always begins with the log's first segment, so nothing older can come back when a record goes. A
//! deletion (a key without a value) stays for `delete.retention.ms` from its own timestamp, so that a reader who has seen
//! the key's value also sees that it is gone. Offsets stay; readers see gaps. A batch that loses all its records goes too,
//! unless it carries an idempotent producer's sequence numbers; control batches stay as they are. Records of aborted
//! transactions count for nothing and go; the caller offers nothing whose transaction is open.

use std::collections::BTreeMap;

use batch::{BatchError, Builder, Header, records, section, split};
use journal::Segment;
use log::Aborted;
use model::Offset;
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

use crate::config::TopicConfig;

/// Segments of the node's own keyed logs are at most this large, so that compaction keeps up and a reload stays short.
pub const INTERNAL_SEGMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Bytes that one compaction reads at most; they are in memory while it runs.
const COMPACTION_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How many of the segments (oldest first, whole and flushed) to compact now; fewer than 2: none. The first is taken for the
/// outcome of the last compaction: it is worth the work when as much again has come after it.
#[must_use]
pub fn worth(segments: &[Segment]) -> usize {
    let Some((first, rest)) = segments.split_first() else { return 0 };
    let mut bytes = first.bytes;
    let mut count = 1;
    for segment in rest {
        if bytes + segment.bytes > COMPACTION_BYTES_MAX {
            break;
        }
        bytes += segment.bytes;
        count += 1;
    }
    let news = bytes - first.bytes;
    if news >= first.bytes.max(1) { count } else { 0 }
}

/// Compacts batches that stand one behind the other; gives those that take their place. Batches that cannot be read stay
/// as they are: compaction must not turn damage into loss.
#[must_use]
pub fn compact(batches: Vec<u8>, aborted: &[Aborted], config: &TopicConfig, now_ms: i64) -> Vec<u8> {
    match Compaction::new(&batches, aborted, config, now_ms).and_then(|compaction| compaction.run(&batches)) {
        Ok(kept) => kept,
        Err(_) => batches,
    }
}

struct Compaction<'a> {
    aborted: &'a [Aborted],
    newest: BTreeMap<Vec<u8>, Offset>,
    /// Deletions with an older timestamp go.
    horizon_ms: i64,
}

impl Compaction<'_> {
    fn new<'a>(
        batches: &[u8],
        aborted: &'a [Aborted],
        config: &TopicConfig,
        now_ms: i64,
    ) -> Result<Compaction<'a>, BatchError> {
        let mut newest = BTreeMap::new();
        let mut scratch = Vec::new();
        for batch in split(batches) {
            let (header, bytes) = batch?;
            if header.attributes.is_control() || is_aborted(aborted, &header) {
                continue;
            }
            scratch.clear();
            for record in
                records(&header, section(&header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?)
            {
                let record = record?;
                if let Some(key) = record.key {
                    match newest.get_mut(key) {
                        Some(offset) => *offset = record.offset,
                        None => drop(newest.insert(key.to_vec(), record.offset)),
                    }
                }
            }
        }
        Ok(Compaction { aborted, newest, horizon_ms: now_ms.saturating_sub(config.delete_retention_ms) })
    }

    fn run(&self, batches: &[u8]) -> Result<Vec<u8>, BatchError> {
        let mut kept = Vec::with_capacity(batches.len() / 2);
        for batch in split(batches) {
            let (header, bytes) = batch?;
            self.batch(&header, bytes, &mut kept)?;
        }
        Ok(kept)
    }

    fn batch(&self, header: &Header, bytes: &[u8], kept: &mut Vec<u8>) -> Result<(), BatchError> {
        if header.attributes.is_control() {
            kept.extend_from_slice(bytes);
            return Ok(());
        }
        let mut scratch = Vec::new();
        let mut builder = Builder::in_place_of(header);
        let mut all = true;
        let aborted = is_aborted(self.aborted, header);
        for record in records(header, section(header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX)?) {
            let record = record?;
            let newest =
                !aborted && record.key.is_some_and(|key| self.newest.get(key) == Some(&record.offset));
            let deletion = record.value.is_none();
            if newest && !(deletion && record.timestamp < self.horizon_ms) {
                builder.keep(&record);
            } else {
                all = false;
            }
        }
        if all {
            kept.extend_from_slice(bytes);
        } else if !builder.is_empty() || header.base_sequence >= 0 {
            kept.extend_from_slice(&builder.finish(header.attributes.codec()?));
        }
        Ok(())
    }
}

fn is_aborted(aborted: &[Aborted], header: &Header) -> bool {
    let place = header.base_offset;
    header.attributes.is_transactional()
        && aborted.iter().any(|a| a.producer_id == header.producer_id && a.first <= place && place < a.last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use batch::Codec;
    use model::Epoch;

    fn compact(batches: Vec<u8>, config: &TopicConfig, now_ms: i64) -> Vec<u8> {
        super::compact(batches, &[], config, now_ms)
    }

    const NOW_MS: i64 = 1_000_000_000_000;

    fn batch(offset: i64, codec: Codec, records: &[(&str, Option<&str>, i64)]) -> Vec<u8> {
        let mut builder = Builder::new();
        for (key, value, timestamp) in records {
            builder.push(*timestamp, Some(key.as_bytes()), value.map(str::as_bytes), &[]);
        }
        let mut bytes = builder.finish(codec);
        batch::stamp(&mut bytes, Offset(offset), Epoch(0));
        bytes
    }

    fn shown(batches: &[u8]) -> Vec<String> {
        let mut shown = Vec::new();
        for batch in split(batches) {
            let (header, bytes) = batch.expect("whole");
            batch::check_crc(&header, bytes).expect("sealed");
            let mut scratch = Vec::new();
            let section = section(&header, bytes, &mut scratch, 1 << 20).expect("readable");
            for record in records(&header, section) {
                let record = record.expect("readable");
                let text = |bytes: Option<&[u8]>| {
                    bytes.map_or("-".into(), |b| String::from_utf8_lossy(b).into_owned())
                };
                shown.push(format!("{} {}={}", record.offset, text(record.key), text(record.value)));
            }
        }
        shown
    }

    #[test]
    fn the_last_record_of_each_key_stays_at_its_offset() {
        for codec in [Codec::None, Codec::Zstd] {
            let batches = [
                batch(0, codec, &[("a", Some("1"), NOW_MS), ("b", Some("1"), NOW_MS)]),
                batch(2, codec, &[("a", Some("2"), NOW_MS)]),
                batch(3, codec, &[("c", Some("1"), NOW_MS), ("a", Some("3"), NOW_MS)]),
            ]
            .concat();
            let kept = compact(batches, &TopicConfig::default(), NOW_MS);
            assert_eq!(shown(&kept), ["1 b=1", "3 c=1", "4 a=3"]);
            assert_eq!(split(&kept).count(), 2, "the batch without records is gone");
            assert_eq!(compact(kept.clone(), &TopicConfig::default(), NOW_MS), kept, "nothing left to do");
        }
    }

    #[test]
    fn deletions_stay_until_every_reader_can_have_seen_them() {
        let config = TopicConfig { delete_retention_ms: 1_000, ..TopicConfig::default() };
        let batches = [
            batch(0, Codec::None, &[("a", Some("1"), NOW_MS), ("b", Some("1"), NOW_MS)]),
            batch(2, Codec::None, &[("a", None, NOW_MS)]),
        ]
        .concat();
        let kept = compact(batches, &config, NOW_MS + 1_000);
        assert_eq!(shown(&kept), ["1 b=1", "2 a=-"]);
        assert_eq!(shown(&compact(kept, &config, NOW_MS + 1_001)), ["1 b=1"]);
    }

    #[test]
    fn a_producers_sequence_numbers_outlive_its_records_and_damage_is_left_alone() {
        let mut builder = Builder::new().producer(7, 0, 5);
        builder.push(NOW_MS, Some(b"a"), Some(b"1"), &[]);
        let batches =
            [builder.finish(Codec::None), batch(1, Codec::None, &[("a", Some("2"), NOW_MS)])].concat();
        let kept = compact(batches.clone(), &TopicConfig::default(), NOW_MS);
        assert_eq!(shown(&kept), ["1 a=2"]);
        let (first, _) = split(&kept).next().expect("two batches").expect("whole");
        assert_eq!((first.producer_id, first.last_sequence(), first.record_count), (7, 5, 0));
        let mut damaged = batches;
        damaged.truncate(damaged.len() - 1);
        assert_eq!(compact(damaged.clone(), &TopicConfig::default(), NOW_MS), damaged);
    }

    #[test]
    fn what_was_aborted_is_nobodys_newest_value() {
        let of = |offset: i64, value: &str| {
            let mut builder = Builder::new().producer(7, 0, -1).transactional();
            builder.push(NOW_MS, Some(b"a"), Some(value.as_bytes()), &[]);
            let mut bytes = builder.finish(Codec::None);
            batch::stamp(&mut bytes, Offset(offset), Epoch(0));
            bytes
        };
        let marker = |offset: i64, kind| {
            let mut bytes = batch::control_batch(kind, 7, 0, 0, NOW_MS);
            batch::stamp(&mut bytes, Offset(offset), Epoch(0));
            bytes
        };
        use batch::ControlKind::{Abort, Commit};
        let batches = [of(0, "1"), marker(1, Commit), of(2, "2"), marker(3, Abort)].concat();
        let aborted = Aborted { producer_id: 7, first: Offset(2), last: Offset(3), last_stable: Offset(4) };
        let kept = super::compact(batches, &[aborted], &TopicConfig::default(), NOW_MS);
        let bases: Vec<i64> = split(&kept).map(|item| item.expect("whole").0.base_offset.0).collect();
        assert_eq!(bases, [0, 1, 3], "the committed value and both markers");
    }

    #[test]
    fn compaction_is_worth_it_when_the_log_has_doubled() {
        let segments = |bytes: &[u64]| -> Vec<Segment> {
            let segment = |bytes: &u64| Segment {
                base: Offset(0),
                bytes: *bytes,
                max_timestamp: 0,
                first_timestamp: 0,
            };
            bytes.iter().map(segment).collect()
        };
        assert_eq!(worth(&segments(&[])), 0);
        assert_eq!(worth(&segments(&[10])), 0);
        assert_eq!(worth(&segments(&[10, 9])), 0);
        assert_eq!(worth(&segments(&[10, 5, 5])), 3);
        assert_eq!(worth(&segments(&[0, 1])), 2);
        assert_eq!(worth(&segments(&[COMPACTION_BYTES_MAX, 1])), 0, "more than memory should hold");
    }
}
