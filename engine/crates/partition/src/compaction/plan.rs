//! When a log is compacted, and how far: Kafka's rules as a pure decision over its segments.

use journal::Segment;
use model::Offset;

use crate::config::TopicConfig;

/// A log that may be worth it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Dirt {
    /// Base of the first segment that must be left alone.
    pub upto: Offset,
    /// Share of what could be compacted that nobody has looked at yet, 0 to 1.
    pub ratio: f64,
    /// It is to be compacted now.
    pub is_due: bool,
}

/// Looks at a log's segments, the active one last. `stable` is one past the last record that may be touched, `internal` says
/// that the log is the node's own.
///
/// As in Kafka: never the active segment, nothing from the segment on that holds `stable`, nothing from the first dirty
/// segment on with a record younger than `min.compaction.lag.ms`; and it is due when the dirty share is above
/// `min.cleanable.dirty.ratio`, or a dirty segment began longer ago than `max.compaction.lag.ms`. Logs of the node's own are
/// due when they have doubled, so that a reload stays short.
#[must_use]
pub fn look(
    segments: &[Segment],
    first_dirty: Offset,
    stable: Offset,
    config: &TopicConfig,
    internal: bool,
    now_ms: i64,
) -> Option<Dirt> {
    let (active, closed) = segments.split_last()?;
    let ends = closed.iter().skip(1).map(|next| next.base).chain([active.base]);
    let (mut clean, mut dirty, mut upto) = (0, 0, closed.first()?.base);
    let mut earliest = i64::MAX;
    let mut bounded = false;
    for (segment, end) in closed.iter().zip(ends) {
        let is_dirty = end > first_dirty;
        if is_dirty && segment.first_timestamp > 0 {
            earliest = earliest.min(segment.first_timestamp);
        }
        let young = config.compaction_lag_ms_min > 0
            && is_dirty
            && segment.max_timestamp > now_ms.saturating_sub(config.compaction_lag_ms_min);
        bounded |= young || end > stable;
        if bounded {
            continue;
        }
        upto = end;
        *(if is_dirty { &mut dirty } else { &mut clean }) += segment.bytes;
    }
    if dirty == 0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // a share
    let ratio = dirty as f64 / (clean + dirty) as f64;
    let is_late = earliest < now_ms.saturating_sub(config.compaction_lag_ms_max.max(0));
    let is_dirty_enough = if internal { dirty >= clean } else { ratio > config.dirty_ratio_min };
    Some(Dirt { upto, ratio, is_due: is_late || is_dirty_enough })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_000_000;

    /// Segments of 10 offsets: bytes, and the time of all their records.
    fn segments(of: &[(u64, i64)]) -> Vec<Segment> {
        let segment = |(n, (bytes, time)): (i64, &(u64, i64))| Segment {
            base: Offset(n * 10),
            bytes: *bytes,
            max_timestamp: *time,
            first_timestamp: *time,
        };
        (0..).zip(of).map(segment).collect()
    }

    fn due(of: &[(u64, i64)], first_dirty: i64, stable: i64, config: &TopicConfig) -> Option<(i64, bool)> {
        let dirt = look(&segments(of), Offset(first_dirty), Offset(stable), config, false, NOW_MS)?;
        Some((dirt.upto.0, dirt.is_due))
    }

    #[test]
    fn the_active_segment_and_what_is_not_stable_are_left_alone() {
        let config = TopicConfig { dirty_ratio_min: 0.0, ..TopicConfig::default() };
        let log = [(100, 1), (100, 1), (100, 1), (100, 1)];
        assert_eq!(due(&log, 0, 40, &config), Some((30, true)));
        assert_eq!(due(&log, 0, 29, &config), Some((20, true)), "a segment is whole or not at all");
        assert_eq!(due(&log, 0, 9, &config), None);
        assert_eq!(due(&log, 30, 40, &config), None, "nothing is dirty");
        assert_eq!(due(&log[..1], 0, 10, &config), None);
        assert_eq!(due(&[], 0, 0, &config), None);
    }

    #[test]
    fn it_is_due_when_the_dirty_share_is_above_the_ratio() {
        let config = |ratio| TopicConfig { dirty_ratio_min: ratio, ..TopicConfig::default() };
        let log = [(300, 1), (100, 1), (50, 1)];
        assert_eq!(due(&log, 10, 30, &config(0.25)), Some((20, false)), "above, not at");
        assert_eq!(due(&log, 10, 30, &config(0.24)), Some((20, true)));
        assert_eq!(
            due(&log, 5, 30, &config(0.99)),
            Some((20, true)),
            "a segment that is half looked at is dirty"
        );
        let internal = |bytes| {
            let log = segments(&[(300, 1), (bytes, 1), (50, 1)]);
            look(&log, Offset(10), Offset(30), &config(0.9), true, NOW_MS).map(|dirt| dirt.is_due)
        };
        assert_eq!((internal(299), internal(300)), (Some(false), Some(true)), "it has doubled");
    }

    #[test]
    fn records_are_left_alone_for_a_time_and_not_longer_than_another() {
        let lag = |min, max| TopicConfig {
            dirty_ratio_min: 0.9,
            compaction_lag_ms_min: min,
            compaction_lag_ms_max: max,
            ..TopicConfig::default()
        };
        let log = [(900, 1_000), (100, NOW_MS - 500), (100, NOW_MS - 100), (50, NOW_MS)];
        assert_eq!(due(&log, 10, 40, &lag(0, i64::MAX)), Some((30, false)));
        assert_eq!(due(&log, 10, 40, &lag(100, i64::MAX)), Some((30, false)));
        assert_eq!(due(&log, 10, 40, &lag(101, i64::MAX)), Some((20, false)));
        assert_eq!(due(&log, 10, 40, &lag(501, i64::MAX)), None);
        assert_eq!(due(&log, 10, 40, &lag(0, 500)), Some((30, false)), "not older than, but as old as");
        assert_eq!(due(&log, 10, 40, &lag(0, 499)), Some((30, true)));
        assert_eq!(due(&log, 20, 40, &lag(0, 499)), Some((30, false)), "what is clean is not waited for");
    }
}
