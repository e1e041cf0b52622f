//! What a partition answers to readers: fetches, offsets by time, ends of epochs.

use journal::Journal;
use log::{Log, Read, ReadJob, TimeJob};
use model::{Epoch, Offset};
use replica::Replica;
use wire::list_offsets::{
    EARLIEST, EARLIEST_LOCAL, EARLIEST_PENDING_UPLOAD, LATEST, LATEST_TIERED, MAX_TIMESTAMP,
};

use super::Partition;
use crate::error::FetchError;
use crate::spec::{EpochEnd, FetchSpec, Fetched, Isolation, ListQuery, ListedOffset};

/// A read's outcome before a job is made of it.
pub(crate) enum Found {
    Ready(Fetched),
    Cold(ReadJob),
}

/// A look-up's outcome before a job is made of it.
pub(crate) enum Looked {
    Ready(ListedOffset),
    Pending(TimeJob),
}

impl Partition {
    /// Checks the epoch that a reader takes for the current one.
    pub fn check_epoch(&self, epoch: Epoch) -> Result<(), FetchError> {
        let ours = self.replica.epoch();
        match epoch {
            Epoch::NONE => Ok(()),
            // Kafka takes only -1 for "none".
            epoch if epoch < Epoch::NONE => Err(FetchError::FencedEpoch),
            // The metadata does not learn of an epoch that a start with accepted loss began; alone, nobody else can have led.
            epoch if epoch > ours => Err(FetchError::UnknownEpoch),
            _ => Ok(()),
        }
    }

    /// Reads committed batches.
    pub fn fetch(&self, log: &Log, journal: &Journal, spec: &FetchSpec) -> Result<Found, FetchError> {
        self.check_epoch(spec.current_epoch)?;
        let watermarks = self.watermarks(log);
        let mut fetched =
            Fetched { watermarks, data: Vec::new(), bytes: 0, aborted: Vec::new(), diverging: None };
        if spec.from < watermarks.log_start || spec.from > watermarks.log_end {
            return Err(FetchError::OffsetOutOfRange);
        }
        if spec.last_fetched_epoch != Epoch::NONE {
            fetched.diverging = self.diverging(log, spec)?;
            if fetched.diverging.is_some() {
                return Ok(Found::Ready(fetched));
            }
        }
        let end = spec.isolation.end(&watermarks);
        if spec.from >= end || spec.bytes_max == 0 && !spec.at_least_one {
            return Ok(Found::Ready(fetched));
        }
        let committed = spec.isolation == Isolation::ReadCommitted;
        match log.read(journal, spec.from, end, spec.bytes_max, spec.at_least_one) {
            Read::Ready(data, bytes) => {
                let mut fetched = Fetched { data, bytes, ..fetched };
                if committed && log.has_aborted() {
                    fetched.aborted = log.aborted_in(spec.from, fetched.next_offset().unwrap_or(end));
                }
                Ok(Found::Ready(fetched))
            }
            Read::Cold(job) if committed => Ok(Found::Cold(job.with_aborted(log, spec.from, end))),
            Read::Cold(job) => Ok(Found::Cold(job)),
            Read::Empty => Ok(Found::Ready(fetched)),
        }
    }

    /// Whether the reader's log and ours hold the same up to where it reads; if not, where ours left it.
    fn diverging(&self, log: &Log, spec: &FetchSpec) -> Result<Option<(Epoch, Offset)>, FetchError> {
        let end = self.end_of_epoch(log, spec.last_fetched_epoch);
        if end.epoch == Epoch::NONE {
            return Err(FetchError::OffsetOutOfRange);
        }
        let diverges = end.epoch < spec.last_fetched_epoch || end.end_offset < spec.from;
        Ok(diverges.then_some((end.epoch, end.end_offset)))
    }

    /// Where an epoch ends; an epoch above ours is not known to end anywhere.
    pub fn end_of_epoch(&self, log: &Log, epoch: Epoch) -> EpochEnd {
        if epoch == Epoch::NONE || epoch > self.replica.epoch() {
            return EpochEnd { epoch: Epoch::NONE, end_offset: Offset(-1) };
        }
        let (epoch, end_offset) = log.epoch_end(epoch);
        EpochEnd { epoch, end_offset }
    }

    /// The offset that belongs to a time.
    pub fn list(&self, log: &Log, journal: &Journal, query: &ListQuery) -> Result<Looked, FetchError> {
        self.check_epoch(query.current_epoch)?;
        let watermarks = self.watermarks(log);
        let at = |offset: Offset, epoch: Epoch| Looked::Ready(ListedOffset { timestamp: -1, offset, epoch });
        let (start, timestamp) = match query.timestamp {
            LATEST => return Ok(at(query.isolation.end(&watermarks), self.replica.epoch())),
            EARLIEST | EARLIEST_LOCAL => {
                return Ok(at(watermarks.log_start, log.epoch_at(watermarks.log_start)));
            }
            // Nothing is tiered and nothing waits to be.
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok(Looked::Ready(ListedOffset::NONE)),
            // As in Kafka, a record that was deleted still counts while its segment is there.
            MAX_TIMESTAMP => match log.max_timestamp() {
                Some(segment) if segment.max_timestamp >= 0 => (segment.base, segment.max_timestamp),
                Some(_) | None => return Ok(Looked::Ready(ListedOffset::NONE)),
            },
            timestamp => (watermarks.log_start, timestamp),
        };
        Ok(match log.find_time(journal, start, timestamp) {
            Some(job) => Looked::Pending(job),
            None => Looked::Ready(ListedOffset::NONE),
        })
    }

    /// What a look-up by time comes to; records that the asker may not see yet do not count.
    pub fn listed(&self, log: &Log, query: &ListQuery, found: Option<(Offset, i64)>) -> ListedOffset {
        let watermarks = self.watermarks(log);
        match found {
            Some((offset, timestamp)) if offset < query.isolation.end(&watermarks) => {
                ListedOffset { timestamp, offset, epoch: log.epoch_at(offset) }
            }
            Some(_) | None => ListedOffset::NONE,
        }
    }
}
