//! Reads of the store: at once from memory, else by a job whose outcome becomes a wake.

use std::io::ErrorKind;

use model::{ErrorCode, Offset};

use super::Store;
use super::job::{AskedRead, AskedTime, ReadDone, StoreJob, TRIES_MAX, Work};
use crate::error::{FetchError, fetch_error_code};
use crate::partition::{Found, Looked};
use crate::spec::{Fetch, FetchSpec, Fetched, ListQuery, Listed, WaiterToken, Wake};

impl Store {
    /// Reads committed batches. A cold read adds a job, and [`Wake::Read`] brings its outcome to `token`.
    pub fn fetch(
        &mut self,
        spec: &FetchSpec,
        token: WaiterToken,
        jobs: &mut Vec<StoreJob>,
    ) -> Result<Fetch, FetchError> {
        self.read(AskedRead { spec: *spec, token, tries: 0 }, jobs)
    }

    fn read(&mut self, asked: AskedRead, jobs: &mut Vec<StoreJob>) -> Result<Fetch, FetchError> {
        let (partition, log) = self.look(asked.spec.group).ok_or(FetchError::UnknownPartition)?;
        match partition.fetch(log, &self.journal, &asked.spec)? {
            Found::Ready(fetched) => Ok(Fetch::Ready(fetched)),
            Found::Cold(job) => {
                self.jobs_running += 1;
                jobs.push(StoreJob(Work::Read(asked, job)));
                Ok(Fetch::Cold)
            }
        }
    }

    /// The offset that belongs to a time. A look-up that has to open a batch adds a job, and [`Wake::Listed`] brings its
    /// outcome to `token`.
    pub fn list_offsets(
        &mut self,
        query: &ListQuery,
        token: WaiterToken,
        jobs: &mut Vec<StoreJob>,
    ) -> Result<Listed, ErrorCode> {
        self.list(AskedTime { query: *query, token, tries: 0 }, jobs)
    }

    fn list(&mut self, asked: AskedTime, jobs: &mut Vec<StoreJob>) -> Result<Listed, ErrorCode> {
        let (partition, log) = self.look(asked.query.group).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        match partition.list(log, &self.journal, &asked.query).map_err(fetch_error_code)? {
            Looked::Ready(listed) => Ok(Listed::Ready(listed)),
            Looked::Pending(job) => {
                self.jobs_running += 1;
                jobs.push(StoreJob(Work::Time(asked, job)));
                Ok(Listed::Pending)
            }
        }
    }

    /// A cold read came back. What it read from may be gone by now: then it is read again.
    pub(super) fn read_done(&mut self, asked: AskedRead, mut done: ReadDone, wakes: &mut Vec<Wake>) {
        let AskedRead { spec, token, tries } = asked;
        let aborted = done.take_aborted();
        if let Some(log) = self.logs.get_mut(spec.group) {
            log.aborted_files_listed(&mut done);
        }
        let result = match self.look(spec.group) {
            None => Err(FetchError::UnknownPartition),
            Some((partition, log)) => match log.read_done(&self.journal, done) {
                None if tries < TRIES_MAX => {
                    self.read_again(AskedRead { tries: tries + 1, ..asked }, wakes);
                    return;
                }
                None => Err(FetchError::Storage),
                Some(Err(error)) => {
                    self.logs.found_damage(spec.group, &error);
                    Err(FetchError::Storage)
                }
                Some(Ok(data)) => {
                    let bytes: usize = data.iter().map(|bytes| bytes.len()).sum();
                    let behind = unflushed(log);
                    // Nothing although one batch of any size would have been taken: compaction left nothing between here and
                    // what is not in files yet.
                    if bytes == 0 && spec.at_least_one && spec.from < behind {
                        let spec = FetchSpec { from: behind, ..spec };
                        self.read_again(AskedRead { spec, ..asked }, wakes);
                        return;
                    }
                    let watermarks = partition.watermarks(log);
                    Ok(Fetched { watermarks, data, bytes, aborted, diverging: None })
                }
            },
        };
        wakes.push(Wake::Read { token, result });
    }

    fn read_again(&mut self, asked: AskedRead, wakes: &mut Vec<Wake>) {
        let mut jobs = Vec::new();
        let result = match self.read(asked, &mut jobs) {
            Ok(Fetch::Ready(fetched)) => Ok(fetched),
            Ok(Fetch::Cold) => {
                self.jobs.append(&mut jobs);
                return;
            }
            Err(error) => Err(error),
        };
        wakes.push(Wake::Read { token: asked.token, result });
    }

    /// A look-up by time came back.
    pub(super) fn time_found(&mut self, asked: AskedTime, found: log::TimeFound, wakes: &mut Vec<Wake>) {
        let result = match self.look(asked.query.group) {
            None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            Some((partition, log)) => match log.time_found(&self.journal, found) {
                // Also a record that was deleted meanwhile: it was there when it was asked for.
                Some(Ok(found)) => Ok(partition.listed(log, &asked.query, found)),
                Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                    Err(ErrorCode::KAFKA_STORAGE_ERROR)
                }
                _ if asked.tries < TRIES_MAX => {
                    let mut jobs = Vec::new();
                    match self.list(AskedTime { tries: asked.tries + 1, ..asked }, &mut jobs) {
                        Ok(Listed::Ready(listed)) => Ok(listed),
                        Ok(Listed::Pending) => {
                            self.jobs.append(&mut jobs);
                            return;
                        }
                        Err(error) => Err(error),
                    }
                }
                _ => Err(ErrorCode::KAFKA_STORAGE_ERROR),
            },
        };
        wakes.push(Wake::Listed { token: asked.token, result });
    }
}

/// Offset of the first record that is not in a file yet.
pub(super) fn unflushed(log: &log::Log) -> Offset {
    let start = log.index_of(log.start());
    if log.flushed_index() <= start { log.start() } else { log.offset_of(log.flushed_index()) }
}
