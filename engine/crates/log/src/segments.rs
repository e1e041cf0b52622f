//! Logical segments: boundaries that are decided when a batch is appended, long before a file exists.

use batch::Header;
use journal::Segment;
use model::Offset;

use crate::log::Log;

/// `segment.bytes` and `segment.ms`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentLimits {
    /// A segment holds at most this much, unless one batch is larger.
    pub bytes: u64,
    /// A segment spans at most this much time, counted from its first batch.
    pub ms: i64,
}

impl Default for SegmentLimits {
    fn default() -> Self {
        SegmentLimits { bytes: 1 << 30, ms: 604_800_000 }
    }
}

/// Whether a batch of `len` bytes begins a new segment.
pub(crate) fn rolls(segments: &[Segment], limits: SegmentLimits, header: &Header, len: usize) -> bool {
    let Some(active) = segments.last() else { return true };
    let spans = header.max_timestamp.saturating_sub(active.first_timestamp);
    active.bytes + len as u64 > limits.bytes
        || active.first_timestamp >= 0 && spans > limits.ms
        // Index files count offsets from the base in 32 bits.
        || header.last_offset().0 - active.base.0 > i64::from(i32::MAX)
}

/// Counts a batch in.
pub(crate) fn add(segments: &mut Vec<Segment>, rolls: bool, header: &Header, len: usize) {
    if rolls {
        segments.push(Segment {
            base: header.base_offset,
            bytes: 0,
            max_timestamp: -1,
            first_timestamp: header.max_timestamp,
        });
    }
    let active = segments.last_mut().expect("the first batch rolls");
    active.bytes += len as u64;
    active.max_timestamp = active.max_timestamp.max(header.max_timestamp);
}

/// Which segment holds an offset; the first for anything before it.
pub(crate) fn holding(segments: &[Segment], offset: Offset) -> Option<usize> {
    if segments.is_empty() {
        return None;
    }
    Some(segments.partition_point(|segment| segment.base <= offset).saturating_sub(1))
}

impl Log {
    /// Largest timestamp in the log, with the segment that holds it.
    #[must_use]
    pub fn max_timestamp(&self) -> Option<&Segment> {
        self.segments.iter().rev().max_by_key(|segment| segment.max_timestamp)
    }

    /// Whether a log start there takes a whole segment with it.
    #[must_use]
    pub fn frees(&self, start: Offset) -> bool {
        let end = self.segments.get(1).map_or(self.end_offset, |next| next.base);
        !self.segments.is_empty() && end <= start
    }

    /// One line about the log, for a person who looks for what is stuck.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "group {} end {} durable {} flushed {:?} durably {} state in use {} oldest {:?} busy {} waits {} doomed {} segments {:?}",
            self.group.0,
            self.end.0,
            self.durable.0,
            self.flushed,
            self.flushed_durable.0,
            self.mark.file_use,
            self.oldest_unflushed(),
            self.busy,
            self.files_wait,
            self.doomed.len(),
            self.segments.iter().map(|segment| (segment.base.0, segment.bytes)).collect::<Vec<_>>(),
        )
    }
}
