//! Calls of the control plane that want batches and never look into one (share groups): read, wait for more, look a time up.

use std::collections::BTreeSet;

use batch::ControlKind;
use model::{Epoch, ErrorCode, GroupId, Offset, Watermarks};
use partition::{
    Fetch, FetchError, FetchSpec, Fetched, Isolation, ListQuery, Listed, ListedOffset, WaiterToken,
    fetch_error_code,
};

use crate::calls::{BatchSpan, CallId, Reply};
use crate::python_calls::CallWait;
use crate::server::{Context, Server, Wait};
use crate::waits::Token;

/// A read of at least one batch that asks for nothing else.
pub(crate) fn batches_of(group: GroupId, from: Offset, bytes_max: usize, isolation: Isolation) -> FetchSpec {
    FetchSpec {
        group,
        from,
        bytes_max,
        at_least_one: true,
        isolation,
        current_epoch: Epoch::NONE,
        last_fetched_epoch: Epoch::NONE,
    }
}

impl Server {
    pub(crate) fn call_batches(&mut self, context: &mut Context<'_>, call: CallId, spec: FetchSpec) {
        let token = self.waits.insert(Wait::Call(CallWait::Batches { call }));
        match context.store.fetch(&spec, WaiterToken(token.0), context.jobs) {
            Ok(Fetch::Cold) => {}
            Ok(Fetch::Ready(fetched)) => self.call_read(token, Ok(fetched)),
            Err(error) => self.call_read(token, Err(error)),
        }
    }

    /// A partition that a call waits for has more. False: it is not a call that waits.
    pub(crate) fn call_woken(&mut self, token: Token) -> bool {
        if !matches!(self.waits.get(token), Some(Wait::Call(_))) {
            return false;
        }
        if let Some(Wait::Call(CallWait::More { call })) = self.waits.remove(token) {
            self.outcome(call, Reply::More);
        }
        true
    }

    pub(crate) fn call_time(
        &mut self,
        context: &mut Context<'_>,
        call: CallId,
        group: GroupId,
        timestamp: i64,
    ) {
        let token = self.waits.insert(Wait::Call(CallWait::Time { call }));
        let query =
            ListQuery { group, timestamp, isolation: Isolation::ReadUncommitted, current_epoch: Epoch::NONE };
        let result = match context.store.list_offsets(&query, WaiterToken(token.0), context.jobs) {
            Ok(Listed::Pending) => return,
            Ok(Listed::Ready(found)) => Ok(found),
            Err(error) => Err(error),
        };
        self.call_listed(token, result);
    }

    /// A look-up by time came back. False: it was not a call's.
    pub(crate) fn call_listed(&mut self, token: Token, result: Result<ListedOffset, ErrorCode>) -> bool {
        if !matches!(self.waits.get(token), Some(Wait::Call(_))) {
            return false;
        }
        if let Some(Wait::Call(CallWait::Time { call })) = self.waits.remove(token) {
            let (error, offset) = match result {
                Ok(found) => (ErrorCode::NONE, found.offset),
                Err(error) => (error, Offset(-1)),
            };
            self.outcome(call, Reply::OffsetOfTime { error, offset });
        }
        true
    }
}

/// The answer to a read of batches.
pub(crate) fn read(result: Result<Fetched, FetchError>) -> Reply {
    match result.map_err(fetch_error_code).and_then(|fetched| Ok((spans(&fetched)?, fetched))) {
        Ok((spans, fetched)) => Reply::Batches {
            error: ErrorCode::NONE,
            spans,
            data: fetched.data.iter().flat_map(|bytes| bytes.iter().copied()).collect(),
            watermarks: fetched.watermarks,
        },
        Err(error) => {
            let none = Offset(-1);
            let watermarks =
                Watermarks { log_start: none, last_stable: none, high_watermark: none, log_end: none };
            Reply::Batches { error, spans: Vec::new(), data: Vec::new(), watermarks }
        }
    }
}

/// Where the batches stand. A batch is aborted between the first offset of an aborted transaction of its producer and the
/// marker that ends it.
fn spans(fetched: &Fetched) -> Result<Vec<BatchSpan>, ErrorCode> {
    let mut begun: Vec<(i64, Offset)> = fetched.aborted.clone();
    begun.sort_by_key(|(producer, first)| (*first, *producer));
    let mut begun = begun.into_iter().peekable();
    let mut aborting = BTreeSet::new();
    let mut spans = Vec::new();
    for bytes in &fetched.data {
        for part in batch::split(bytes) {
            let (header, bytes) = part.map_err(|_| ErrorCode::CORRUPT_MESSAGE)?;
            let last = Offset(header.next_offset().0 - 1);
            while let Some((producer, _)) = begun.next_if(|(_, first)| *first <= last) {
                aborting.insert(producer);
            }
            let marker = batch::end_marker(&header, bytes);
            if marker.is_some_and(|marker| marker.kind == ControlKind::Abort) {
                aborting.remove(&header.producer_id);
            }
            let aborted = marker.is_none()
                && header.attributes.is_transactional()
                && aborting.contains(&header.producer_id);
            spans.push(BatchSpan { first: header.base_offset, last, bytes: bytes.len(), aborted });
        }
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use batch::{Builder, Codec};
    use journal::Bytes;

    use super::*;

    fn written(offset: i64, producer: i64, records: usize) -> Vec<u8> {
        let mut builder = Builder::new().producer(producer, 0, -1).transactional();
        for _ in 0..records {
            builder.push(5, None, Some(b"x"), &[]);
        }
        let mut bytes = builder.finish(Codec::None);
        batch::stamp(&mut bytes, Offset(offset), Epoch(0));
        bytes
    }

    fn ended(offset: i64, producer: i64, kind: ControlKind) -> Vec<u8> {
        let mut bytes = batch::control_batch(kind, producer, 0, 0, 5);
        batch::stamp(&mut bytes, Offset(offset), Epoch(0));
        bytes
    }

    #[test]
    fn what_a_producer_wrote_before_its_abort_marker_is_aborted_and_nothing_after_it() {
        let batches = [
            written(0, 7, 2),
            written(2, 8, 1),
            written(3, 7, 1),
            ended(4, 7, ControlKind::Abort),
            written(5, 7, 1),
            ended(6, 7, ControlKind::Commit),
        ];
        let bytes = batches.concat();
        let data = vec![Bytes::from(bytes)];
        let marks = Watermarks {
            log_start: Offset(0),
            last_stable: Offset(7),
            high_watermark: Offset(7),
            log_end: Offset(7),
        };
        let fetched =
            Fetched { watermarks: marks, data, bytes: 0, aborted: vec![(7, Offset(0))], diverging: None };
        let found: Vec<_> = spans(&fetched)
            .expect("whole batches")
            .iter()
            .map(|span| (span.first.0, span.last.0, span.aborted))
            .collect();
        let expected =
            [(0, 1, true), (2, 2, false), (3, 3, true), (4, 4, false), (5, 5, false), (6, 6, false)];
        assert_eq!(found, expected);
    }
}
