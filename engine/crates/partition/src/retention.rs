//! Which records a partition no longer keeps: a pure decision over its logical segments.

use model::Offset;

use crate::config::TopicConfig;

/// A segment, as far as retention looks at it. The last one is the active one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Offset of its first record.
    pub base: Offset,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Largest timestamp in it, -1 if there is none.
    pub max_timestamp: i64,
}

/// What goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expired {
    /// The new log start: everything before it goes.
    pub log_start: Offset,
    /// The active segment goes too: the next append begins a new one.
    pub rolls: bool,
}

/// Whole segments from the oldest on, as long as each is too old or there is too much without it. Only what a quorum holds
/// goes. The active segment goes by time alone, as in Kafka.
#[must_use]
pub fn decide(
    segments: &[Candidate],
    config: &TopicConfig,
    now_ms: i64,
    high_watermark: Offset,
    log_end: Offset,
) -> Option<Expired> {
    if !config.cleanup.delete {
        return None;
    }
    let ends = segments.iter().skip(1).map(|next| next.base).chain([log_end]);
    let total: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let mut excess = config.retention_bytes.map_or(0, |max| total.saturating_sub(max));
    let mut expired = None;
    for (place, (segment, end)) in segments.iter().zip(ends).enumerate() {
        let active = place + 1 == segments.len();
        let too_old = config.retention_ms.is_some_and(|ms| {
            segment.max_timestamp >= 0 && now_ms.saturating_sub(segment.max_timestamp) > ms
        });
        let too_much = !active && excess > 0 && excess >= segment.bytes;
        if end > high_watermark || end == segment.base || !(too_old || too_much) {
            break;
        }
        excess = excess.saturating_sub(segment.bytes);
        expired = Some(Expired { log_start: end, rolls: active });
    }
    expired
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CleanupPolicy;

    const END: Offset = Offset(40);

    fn segments() -> Vec<Candidate> {
        [(0, 1_000), (10, 2_000), (20, 3_000), (30, 4_000)]
            .map(|(base, max_timestamp)| Candidate { base: Offset(base), bytes: 100, max_timestamp })
            .to_vec()
    }

    fn config(ms: Option<i64>, bytes: Option<u64>) -> TopicConfig {
        TopicConfig { retention_ms: ms, retention_bytes: bytes, ..TopicConfig::default() }
    }

    fn start(config: &TopicConfig, now_ms: i64, high_watermark: Offset) -> Option<(i64, bool)> {
        decide(&segments(), config, now_ms, high_watermark, END).map(|e| (e.log_start.0, e.rolls))
    }

    #[test]
    fn time_takes_whole_segments_from_the_oldest_and_the_active_one_too() {
        let config = config(Some(500), None);
        assert_eq!(start(&config, 1_500, END), None, "not older than, but as old as");
        assert_eq!(start(&config, 1_501, END), Some((10, false)));
        assert_eq!(start(&config, 3_600, END), Some((30, false)));
        assert_eq!(start(&config, 4_501, END), Some((40, true)));
    }

    #[test]
    fn size_leaves_at_least_what_it_should_and_never_takes_the_active_segment() {
        assert_eq!(start(&config(None, Some(400)), 0, END), None);
        assert_eq!(start(&config(None, Some(301)), 0, END), None, "one less would be too little");
        assert_eq!(start(&config(None, Some(300)), 0, END), Some((10, false)));
        assert_eq!(start(&config(None, Some(199)), 0, END), Some((20, false)));
        assert_eq!(start(&config(None, Some(0)), 0, END), Some((30, false)));
    }

    #[test]
    fn nothing_goes_that_is_not_on_a_quorum_or_not_to_be_deleted() {
        let config = config(Some(0), Some(0));
        assert_eq!(start(&config, 9_000, Offset(25)), Some((20, false)));
        let compact = CleanupPolicy { compact: true, delete: false };
        assert_eq!(start(&TopicConfig { cleanup: compact, ..config }, 9_000, END), None);
        let empty = Candidate { base: END, bytes: 0, max_timestamp: -1 };
        assert_eq!(decide(&[empty], &TopicConfig::default(), i64::MAX, END, END), None);
    }
}
