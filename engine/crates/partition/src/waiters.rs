//! Who waits for a partition: appends for their acknowledgement, in order; readers for more.

use std::collections::VecDeque;

use model::{LogIndex, Offset, Watermarks};

use crate::error::AppendError;
use crate::spec::{Isolation, WaiterToken, Wake};

/// The waiters of one partition. Bounded by the requests in flight of all connections.
#[derive(Debug, Default)]
pub struct Waiters {
    /// Appends behind the commit index; where each ends does not fall.
    acks: VecDeque<(LogIndex, WaiterToken)>,
    /// Readers, how far each may see, and up to where it has seen the partition.
    readers: Vec<(WaiterToken, Isolation, Offset)>,
}

impl Waiters {
    /// `token` waits until everything below `end` is on a quorum.
    pub fn await_ack(&mut self, end: LogIndex, token: WaiterToken) {
        // A duplicate waits for its original, which stands before the newest append: told a little later, but in order.
        let end = self.acks.back().map_or(end, |(last, _)| end.max(*last));
        self.acks.push_back((end, token));
    }

    /// `token` waits until there is something to see at or behind `from`.
    pub fn watch(&mut self, token: WaiterToken, isolation: Isolation, from: Offset) {
        self.readers.push((token, isolation, from));
    }

    /// `token` no longer waits.
    pub fn unwatch(&mut self, token: WaiterToken) {
        self.readers.retain(|(reader, ..)| *reader != token);
    }

    /// The commit index moved: appends below it are acknowledged, readers behind whose mark there is more are told.
    pub fn advanced(&mut self, commit: LogIndex, watermarks: &Watermarks, wakes: &mut Vec<Wake>) {
        while let Some((end, token)) = self.acks.front().copied()
            && end <= commit
        {
            self.acks.pop_front();
            wakes.push(Wake::Acked { token, result: Ok(()) });
        }
        self.readers.retain(|(token, isolation, from)| {
            let more = *from < isolation.end(watermarks);
            if more {
                wakes.push(Wake::Data { token: *token });
            }
            !more
        });
    }

    /// Something changed that every reader must learn of (log start, configuration, epoch).
    pub fn changed(&mut self, wakes: &mut Vec<Wake>) {
        wakes.extend(self.readers.drain(..).map(|(token, ..)| Wake::Data { token }));
    }

    /// The partition is gone: its readers look again and find that out, its appends fail.
    pub fn removed(&mut self, wakes: &mut Vec<Wake>) {
        self.changed(wakes);
        let result = Err(AppendError::UnknownPartition);
        wakes.extend(self.acks.drain(..).map(|(_, token)| Wake::Acked { token, result }));
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.acks.is_empty() && self.readers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wakes: &[Wake]) -> Vec<String> {
        wakes
            .iter()
            .map(|wake| match wake {
                Wake::Acked { token, result } => format!("acked {} {result:?}", token.0),
                Wake::Data { token } => format!("data {}", token.0),
                Wake::Read { .. } | Wake::Listed { .. } => unreachable!("waiters do not read"),
            })
            .collect()
    }

    fn watermarks(last_stable: i64, end: i64) -> Watermarks {
        let (last_stable, end) = (Offset(last_stable), Offset(end));
        Watermarks { log_start: Offset(0), last_stable, high_watermark: end, log_end: end }
    }

    #[test]
    fn appends_are_acknowledged_in_order_and_readers_told_once() {
        let mut waiters = Waiters::default();
        waiters.await_ack(LogIndex(3), WaiterToken(1));
        waiters.await_ack(LogIndex(3), WaiterToken(2));
        waiters.await_ack(LogIndex(9), WaiterToken(3));
        let (all, committed) = (Isolation::ReadUncommitted, Isolation::ReadCommitted);
        waiters.watch(WaiterToken(4), all, Offset(0));
        waiters.watch(WaiterToken(5), all, Offset(2));
        waiters.watch(WaiterToken(8), committed, Offset(1));
        let mut wakes = Vec::new();
        waiters.advanced(LogIndex(3), &watermarks(1, 2), &mut wakes);
        assert_eq!(names(&wakes), ["acked 1 Ok(())", "acked 2 Ok(())", "data 4"]);
        wakes.clear();
        waiters.advanced(LogIndex(8), &watermarks(1, 7), &mut wakes);
        assert_eq!(names(&wakes), ["data 5"], "who reads committed records is not told of open transactions");
        wakes.clear();
        waiters.advanced(LogIndex(8), &watermarks(7, 7), &mut wakes);
        assert_eq!(names(&wakes), ["data 8"]);
        wakes.clear();
        waiters.watch(WaiterToken(6), all, Offset(7));
        waiters.watch(WaiterToken(7), all, Offset(7));
        waiters.unwatch(WaiterToken(6));
        waiters.removed(&mut wakes);
        assert_eq!(names(&wakes), ["data 7", "acked 3 Err(UnknownPartition)"]);
        assert!(waiters.is_empty());
    }
}
