//! Reads of the store: at once from memory, else by a job whose outcome becomes a wake.

use model::{ErrorCode, Offset};

use super::Store;
use super::job::{AskedRead, AskedTime, ReadDone, StoreJob, Work};
use crate::error::{FetchError, fetch_error_code};
use crate::partition::{Found, Looked};
use crate::spec::{Fetch, FetchSpec, Fetched, ListQuery, Listed, ListedOffset, WaiterToken, Wake};

impl Store {
    /// Reads committed batches. A cold read adds a job, and [`Wake::Read`] brings its outcome to `token`.
    pub fn fetch(
        &mut self,
        spec: &FetchSpec,
        token: WaiterToken,
        jobs: &mut Vec<StoreJob>,
    ) -> Result<Fetch, FetchError> {
        let (partition, log) = self.look(spec.group).ok_or(FetchError::UnknownPartition)?;
        match partition.fetch(log, &self.journal, spec)? {
            Found::Ready(fetched) => Ok(Fetch::Ready(fetched)),
            Found::Cold(job) => {
                self.jobs_running += 1;
                jobs.push(StoreJob(Work::Read(AskedRead { spec: *spec, token }, job)));
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
        let (partition, log) = self.look(query.group).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        match partition.list(log, &self.journal, query).map_err(fetch_error_code)? {
            Looked::Ready(listed) => Ok(Listed::Ready(listed)),
            Looked::Pending(job) => {
                self.jobs_running += 1;
                jobs.push(StoreJob(Work::Time(AskedTime { query: *query, token }, job)));
                Ok(Listed::Pending)
            }
        }
    }

    /// A cold read came back. What it read from may be gone by now: then it is read again.
    pub(super) fn read_done(&mut self, asked: AskedRead, done: ReadDone, wakes: &mut Vec<Wake>) {
        let AskedRead { spec, token } = asked;
        let Some((partition, log)) = self.look(spec.group) else {
            wakes.push(Wake::Read { token, result: Err(FetchError::UnknownPartition) });
            return;
        };
        let watermarks = partition.watermarks(log);
        match log.read_done(&self.journal, done) {
            None => self.read_again(spec, token, wakes),
            Some(Err(_)) => wakes.push(Wake::Read { token, result: Err(FetchError::Storage) }),
            Some(Ok(data)) => {
                let bytes: usize = data.iter().map(|bytes| bytes.len()).sum();
                let behind = unflushed(log);
                if bytes == 0 && spec.from < behind {
                    // Compaction left nothing between here and what is not in files yet.
                    self.read_again(FetchSpec { from: behind, ..spec }, token, wakes);
                    return;
                }
                let fetched = Fetched { watermarks, data, bytes, diverging: None };
                wakes.push(Wake::Read { token, result: Ok(fetched) });
            }
        }
    }

    fn read_again(&mut self, spec: FetchSpec, token: WaiterToken, wakes: &mut Vec<Wake>) {
        let mut jobs = std::mem::take(&mut self.jobs);
        match self.fetch(&spec, token, &mut jobs) {
            Ok(Fetch::Ready(fetched)) => wakes.push(Wake::Read { token, result: Ok(fetched) }),
            Ok(Fetch::Cold) => {}
            Err(error) => wakes.push(Wake::Read { token, result: Err(error) }),
        }
        self.jobs = jobs;
    }

    /// A look-up by time came back.
    pub(super) fn time_found(&mut self, asked: AskedTime, found: log::TimeFound, wakes: &mut Vec<Wake>) {
        let AskedTime { query, token } = asked;
        let result = match (self.look(query.group), found.result) {
            (None, _) => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            (Some((partition, log)), Ok(found)) => Ok(partition.listed(log, &query, found)),
            (Some(_), Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut jobs = std::mem::take(&mut self.jobs);
                let again = self.list_offsets(&query, token, &mut jobs);
                self.jobs = jobs;
                match again {
                    Ok(Listed::Pending) => return,
                    Ok(Listed::Ready(listed)) => Ok::<ListedOffset, _>(listed),
                    Err(error) => Err(error),
                }
            }
            (Some(_), Err(_)) => Err(ErrorCode::KAFKA_STORAGE_ERROR),
        };
        wakes.push(Wake::Listed { token, result });
    }
}

/// Offset of the first record that is not in a file yet.
fn unflushed(log: &log::Log) -> Offset {
    let start = log.index_of(log.start());
    if log.flushed_index() <= start { log.start() } else { log.offset_of(log.flushed_index()) }
}
