//! Calls of the control plane on partitions of this shard: append, read, and what there is to know.

use batch::Codec;
use model::{ErrorCode, GroupId, Offset};
use partition::{
    AppendError, Fetch, FetchError, Fetched, Isolation, Origin, WaiterToken, error_code, fetch_error_code,
};

use crate::batch_calls::{self, batches_of};
use crate::calls::{CallId, KeyValue, LogNumbers, Outcome, Producer, Reply, Request, StoredRecord};
use crate::server::{Context, Server, Wait};
use crate::waits::Token;

/// A call that waits.
pub(crate) enum CallWait {
    /// For its records to be committed.
    Append { call: CallId, base_offset: Offset, end_offset: Offset },
    /// For a file.
    Read { call: CallId, from: Offset },
    /// For the new log start to be committed.
    Delete { call: CallId, log_start: Offset },
    /// For a file; the batches are not opened.
    Batches { call: CallId },
    /// For more than before.
    More { call: CallId },
    /// For a batch that must be opened.
    Time { call: CallId },
}

impl Server {
    pub(crate) fn python_call(&mut self, context: &mut Context<'_>, call: CallId, request: Request) {
        match request {
            Request::Append { .. } | Request::AppendMarker { .. } | Request::DeleteRecords { .. } => {
                self.call_change(context, call, request)
            }
            Request::Read { group, offset, bytes_max } => {
                self.call_read_from(context, call, group, offset, bytes_max);
            }
            Request::LogInfo { groups } => {
                let numbers = groups.into_iter().filter_map(|group| context.store.log_info(group));
                let numbers = numbers
                    .map(|info| LogNumbers {
                        group: info.group,
                        epoch: info.epoch,
                        watermarks: info.watermarks,
                        size_bytes: info.size_bytes,
                    })
                    .collect();
                self.outcome(call, Reply::LogInfo(numbers));
            }
            Request::EpochEnd { group, current_epoch, epoch } => {
                let reply = match context.store.epoch_end(group, current_epoch, epoch) {
                    Ok(end) => Reply::EpochEnd {
                        error: ErrorCode::NONE,
                        epoch: end.epoch,
                        end_offset: end.end_offset,
                    },
                    Err(error) => {
                        Reply::EpochEnd { error, epoch: model::Epoch::NONE, end_offset: Offset(-1) }
                    }
                };
                self.outcome(call, reply);
            }
            Request::Producers { group } => {
                let producers = context.store.producers(group);
                self.outcome(call, Reply::Producers(producers));
            }
            Request::Batches { group, offset, bytes_max, isolation } => {
                self.call_batches(context, call, batches_of(group, offset, bytes_max, isolation));
            }
            Request::AwaitMore { group, isolation, seen } => {
                let token = self.waits.insert(Wait::Call(CallWait::More { call }));
                context.store.watch(group, WaiterToken(token.0), isolation, seen);
            }
            Request::OffsetOfTime { group, timestamp_ms } => {
                self.call_time(context, call, group, timestamp_ms);
            }
        }
    }

    /// Appends or deletes records. False: there is no room in the journal, nothing has happened.
    pub(crate) fn try_change(&mut self, context: &mut Context<'_>, call: CallId, request: &Request) -> bool {
        match request {
            Request::Append { group, records, expected_end, makes_room, producer } => {
                let origin = Origin::Coordinator { expected_end: *expected_end, makes_room: *makes_room };
                let bytes = batch_of(records, *producer, context.now.wall_ms);
                self.call_append(context, call, *group, bytes.as_deref(), origin)
            }
            Request::AppendMarker { group, producer, marker, expected_end } => {
                let origin = Origin::Coordinator { expected_end: *expected_end, makes_room: false };
                let (kind, coordinator_epoch) = (marker.kind, marker.coordinator_epoch);
                let now_ms = context.now.wall_ms;
                let bytes =
                    batch::control_batch(kind, producer.id, producer.epoch, coordinator_epoch, now_ms);
                self.call_append(context, call, *group, Some(&bytes), origin)
            }
            Request::DeleteRecords { group, before } => self.call_delete(context, call, *group, *before),
            _ => unreachable!("only what changes a log is postponed"),
        }
    }

    pub(crate) fn outcome(&mut self, call: CallId, reply: Reply) {
        self.outcomes.push(Outcome { call, reply });
    }

    fn appended(&mut self, call: CallId, error: ErrorCode, base_offset: Offset, end_offset: Offset) {
        self.outcome(call, Reply::Appended { error, base_offset, end_offset });
    }

    fn call_append(
        &mut self,
        context: &mut Context<'_>,
        call: CallId,
        group: GroupId,
        batch: Option<&[u8]>,
        origin: Origin,
    ) -> bool {
        let none = Offset(-1);
        let wait = CallWait::Append { call, base_offset: none, end_offset: none };
        let token = self.waits.insert(Wait::Call(wait));
        let waiter = WaiterToken(token.0);
        let Some(bytes) = batch else {
            let waits = context.store.await_committed(group, waiter);
            if waits != Ok(true) {
                self.waits.remove(token);
                self.appended(call, waits.err().map_or(ErrorCode::NONE, error_code), none, none);
            }
            return true;
        };
        match context.store.append(context.now, group, bytes, origin, Some(waiter)) {
            Err(AppendError::NoRoom) => {
                self.waits.remove(token);
                return false;
            }
            Err(error) => {
                self.waits.remove(token);
                self.appended(call, error_code(error), none, none);
            }
            Ok(appended) if appended.acknowledged => {
                self.waits.remove(token);
                self.appended(call, ErrorCode::NONE, appended.base_offset, appended.end_offset);
            }
            Ok(appended) => {
                if let Some(Wait::Call(CallWait::Append { base_offset, end_offset, .. })) =
                    self.waits.get(token)
                {
                    *base_offset = appended.base_offset;
                    *end_offset = appended.end_offset;
                }
            }
        }
        true
    }

    pub(crate) fn call_acked(&mut self, token: Token, error: ErrorCode) {
        match self.waits.remove(token) {
            Some(Wait::Call(CallWait::Append { call, base_offset, end_offset })) => {
                self.appended(call, error, base_offset, end_offset);
            }
            Some(Wait::Call(CallWait::Delete { call, log_start })) => {
                self.outcome(call, Reply::Deleted { error, log_start });
            }
            _ => {}
        }
    }

    fn call_read_from(
        &mut self,
        context: &mut Context<'_>,
        call: CallId,
        group: GroupId,
        from: Offset,
        bytes_max: usize,
    ) {
        let token = self.waits.insert(Wait::Call(CallWait::Read { call, from }));
        let spec = batches_of(group, from, bytes_max, Isolation::ReadUncommitted);
        match context.store.fetch(&spec, WaiterToken(token.0), context.jobs) {
            Ok(Fetch::Cold) => {}
            Ok(Fetch::Ready(fetched)) => self.call_read(token, Ok(fetched)),
            Err(error) => self.call_read(token, Err(error)),
        }
    }

    pub(crate) fn call_read(&mut self, token: Token, result: Result<Fetched, FetchError>) {
        let (call, from) = match self.waits.remove(token) {
            Some(Wait::Call(CallWait::Read { call, from })) => (call, from),
            Some(Wait::Call(CallWait::Batches { call })) => {
                self.outcome(call, batch_calls::read(result));
                return;
            }
            _ => return,
        };
        let reply = match result.map_err(fetch_error_code).and_then(|fetched| decode(&fetched, from)) {
            Ok((records, next_offset, high_watermark)) => {
                Reply::Read { error: ErrorCode::NONE, records, next_offset, high_watermark }
            }
            Err(error) => {
                Reply::Read { error, records: Vec::new(), next_offset: from, high_watermark: Offset(-1) }
            }
        };
        self.outcome(call, reply);
    }

    fn call_delete(
        &mut self,
        context: &mut Context<'_>,
        call: CallId,
        group: GroupId,
        before: Offset,
    ) -> bool {
        let wait = CallWait::Delete { call, log_start: Offset(-1) };
        let token = self.waits.insert(Wait::Call(wait));
        match context.store.delete_records(group, before, WaiterToken(token.0)) {
            Ok(None) => {
                self.waits.remove(token);
                return false;
            }
            Ok(Some(deleted)) if !deleted.acknowledged => {
                if let Some(Wait::Call(CallWait::Delete { log_start, .. })) = self.waits.get(token) {
                    *log_start = deleted.log_start;
                }
            }
            Ok(Some(deleted)) => {
                self.waits.remove(token);
                self.outcome(call, Reply::Deleted { error: ErrorCode::NONE, log_start: deleted.log_start });
            }
            Err(error) => {
                self.waits.remove(token);
                self.outcome(call, Reply::Deleted { error, log_start: Offset(-1) });
            }
        }
        true
    }
}

type Decoded = (Vec<StoredRecord>, Offset, Offset);

/// Records as one batch; `None` if there are none.
fn batch_of(records: &[KeyValue], producer: Option<Producer>, now_ms: i64) -> Option<Vec<u8>> {
    if records.is_empty() {
        return None;
    }
    let mut builder = batch::Builder::new();
    if let Some(Producer { id, epoch }) = producer {
        builder = builder.producer(id, epoch, -1).transactional();
    }
    for record in records {
        builder.push(now_ms, record.key.as_deref(), record.value.as_deref(), &[]);
    }
    Some(builder.finish(Codec::None))
}

/// The records at and behind `from`, and the markers of transactions; no other control records.
fn decode(fetched: &Fetched, from: Offset) -> Result<Decoded, ErrorCode> {
    let mut records = Vec::new();
    let mut next = from;
    let mut section = Vec::new();
    for bytes in &fetched.data {
        for part in batch::split(bytes) {
            let (header, bytes) = part.map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
            next = next.max(header.next_offset());
            let transactional = header.attributes.is_transactional();
            let (id, epoch) = (header.producer_id, header.producer_epoch);
            let producer = transactional.then_some(Producer { id, epoch });
            let marker = batch::end_marker(&header, bytes);
            if header.attributes.is_control() && marker.is_none() {
                continue;
            }
            section.clear();
            batch::decompress(&header, bytes, &mut section, model::limits::BATCH_DECOMPRESSED_BYTES_MAX)
                .map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
            for record in batch::records(&header, &section) {
                let record = record.map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
                if record.offset >= from {
                    records.push(StoredRecord {
                        offset: record.offset,
                        timestamp_ms: record.timestamp,
                        key: record.key.filter(|_| marker.is_none()).map(<[u8]>::to_vec),
                        value: record.value.filter(|_| marker.is_none()).map(<[u8]>::to_vec),
                        producer,
                        marker,
                    });
                }
            }
        }
    }
    Ok((records, next, fetched.watermarks.high_watermark))
}
