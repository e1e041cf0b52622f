//! Producers of partitions that have too many for a State: they stand in a file, and the State says so.
//!
//! The file is as of some durable index; what was appended since is read from the log. So it may be older than the State,
//! as long as the batches in between can be read: it is written anew with every write-behind.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Result as IoResult};
use std::path::Path;

use batch::split;
use io::{Job, OpenMode, Storage};
use journal::Journal;
use log::{Log, Read};
use model::{GroupId, LogIndex, Offset};

use super::Store;
use super::job::{StoreJob, Work};
use super::reads::unflushed;
use crate::partition::file_reaches;
use crate::producers::{Added, Producers, file};

/// Its name is the offset that it is as of, as with Kafka's.
const SUFFIX: &str = "snapshot";
/// Batches read at once while producers are rebuilt.
const READ_BYTES: usize = 1 << 20;

impl Store {
    /// Writes files for partitions whose producers need one.
    pub(super) fn write_producers(&mut self, jobs: &mut Vec<StoreJob>) {
        let due: BTreeSet<GroupId> = std::mem::take(&mut self.producers_due);
        for group in due {
            let Some(partition) = self.partitions.get_mut(&group) else { continue };
            let log = self.logs.get_mut(group).expect("a partition has a log");
            if !partition.producers.are_many() {
                continue;
            }
            let index = log.durable_index();
            let Some(epoch) = log.epoch_before(index) else { continue };
            if partition.producers.filed() == Some(index) {
                continue;
            }
            let bytes = file::encode(index, epoch, &partition.producers.as_of(index));
            match log.write_beside(format!("{:020}.{SUFFIX}", log.offset_of(index).0), bytes) {
                Some(job) => {
                    partition.producers.writing = Some(index);
                    self.jobs_running += 1;
                    jobs.push(StoreJob(Work::Log(log::LogJob::WriteBeside(job))));
                }
                None => drop(self.producers_due.insert(group)), // when its files are free
            }
        }
    }

    /// A file was written, or could not be.
    pub(super) fn wrote_producers(&mut self, group: GroupId, result: &IoResult<()>) {
        let Some(partition) = self.partitions.get_mut(&group) else { return };
        let log = self.logs.get(group).expect("a partition has a log");
        let written = partition.producers.writing.take();
        match result {
            Ok(()) if written.is_some_and(|index| file_reaches(log, index, log.start())) => {
                partition.producers.set_filed(written);
            }
            // A log start has passed it meanwhile.
            Ok(()) | Err(_) => drop(self.producers_due.insert(group)),
        }
    }
}

/// The producers of a log whose State says that they stand in a file. Without a file that is sound, and of a log that lost
/// its end, they come from all of its batches.
pub(super) fn recover(
    storage: &dyn Storage,
    log: &Log,
    journal: &Journal,
    from_file: bool,
) -> IoResult<Producers> {
    let stored = if from_file { newest(storage, log)? } else { None };
    let (mut producers, mut from, filed) = match stored {
        Some(stored) => (stored.producers, stored.index, Some(stored.index)),
        None => (Producers::default(), LogIndex(0), None),
    };
    from = from.max(log.base_index());
    let mut next = log.offset_of(from).max(log.start());
    while next < log.end() {
        let read = match log.read(journal, next, log.end(), READ_BYTES, true) {
            Read::Ready(list, _) => list,
            Read::Cold(job) => match log.read_done(journal, job.run(storage)) {
                Some(read) => read?,
                None => return Err(ErrorKind::Interrupted.into()),
            },
            Read::Empty => Vec::new(),
        };
        let before = next;
        for bytes in &read {
            next = take_batches(&mut producers, log, bytes, next)?;
        }
        if next == before {
            // Compaction left nothing between here and what is in no file yet.
            let behind = unflushed(log);
            if behind <= next {
                break;
            }
            next = behind;
        }
        producers.committed(log.index_of(next));
    }
    producers.set_filed(filed);
    Ok(producers)
}

fn take_batches(producers: &mut Producers, log: &Log, bytes: &[u8], mut next: Offset) -> IoResult<Offset> {
    for item in split(bytes) {
        let (header, bytes) = item.map_err(|_| ErrorKind::InvalidData)?;
        if header.base_offset >= next {
            let end = log.index_of(header.last_offset()).plus(1);
            let marker = batch::end_marker(&header, bytes);
            producers.appended(Added { header: &header, marker, end, now_ms: None });
        }
        next = header.next_offset().max(next);
    }
    Ok(next)
}

/// The newest file that is whole and of this log's past.
fn newest(storage: &dyn Storage, log: &Log) -> IoResult<Option<file::Stored>> {
    let mut newest: Option<file::Stored> = None;
    for path in storage.list(&log.dir())? {
        if path.extension().is_none_or(|suffix| suffix != SUFFIX) {
            continue;
        }
        let Some(stored) = file::decode(&read_whole(storage, &path)?) else { continue };
        let ours = stored.index <= log.end_index()
            && log.epoch_before(stored.index).is_none_or(|epoch| epoch == stored.epoch);
        if ours && newest.as_ref().is_none_or(|newest| newest.index < stored.index) {
            newest = Some(stored);
        }
    }
    Ok(newest)
}

fn read_whole(storage: &dyn Storage, path: &Path) -> IoResult<Vec<u8>> {
    let file = storage.open(path, OpenMode::Read)?;
    let len = usize::try_from(file.len()?).map_err(|_| ErrorKind::InvalidData)?;
    let mut bytes = vec![0; len];
    io::storage::read_exact_at(&*file, &mut bytes, 0)?;
    Ok(bytes)
}
