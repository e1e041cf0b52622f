//! Who waits for a partition: appends for their acknowledgement, in order; readers for more.

use std::collections::VecDeque;

use model::{LogIndex, Offset};

use crate::error::AppendError;
use crate::spec::{WaiterToken, Wake};

/// The waiters of one partition. Bounded by the requests in flight of all connections.
#[derive(Debug, Default)]
pub struct Waiters {
    /// Appends behind the commit index; where each ends does not fall.
    acks: VecDeque<(LogIndex, WaiterToken)>,
    /// Readers, and up to where each has seen the partition.
    readers: Vec<(WaiterToken, Offset)>,
}

impl Waiters {
    /// `token` waits until everything below `end` is on a quorum.
    pub fn await_ack(&mut self, end: LogIndex, token: WaiterToken) {
        // A duplicate waits for its original, which stands before the newest append: told a little later, but in order.
        let end = self.acks.back().map_or(end, |(last, _)| end.max(*last));
        self.acks.push_back((end, token));
    }

    /// `token` waits until there is something at or behind `from`.
    pub fn watch(&mut self, token: WaiterToken, from: Offset) {
        self.readers.push((token, from));
    }

    /// `token` no longer waits.
    pub fn unwatch(&mut self, token: WaiterToken) {
        self.readers.retain(|(reader, _)| *reader != token);
    }

    /// The commit index moved: appends below it are acknowledged, readers behind whose mark there is more are told.
    pub fn advanced(&mut self, commit: LogIndex, high_watermark: Offset, wakes: &mut Vec<Wake>) {
        while let Some((end, token)) = self.acks.front().copied()
            && end <= commit
        {
            self.acks.pop_front();
            wakes.push(Wake::Acked { token, result: Ok(()) });
        }
        self.readers.retain(|(token, from)| {
            let more = *from < high_watermark;
            if more {
                wakes.push(Wake::Data { token: *token });
            }
            !more
        });
    }

    /// Something changed that every reader must learn of (log start, configuration, epoch).
    pub fn changed(&mut self, wakes: &mut Vec<Wake>) {
        wakes.extend(self.readers.drain(..).map(|(token, _)| Wake::Data { token }));
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

    #[test]
    fn appends_are_acknowledged_in_order_and_readers_told_once() {
        let mut waiters = Waiters::default();
        waiters.await_ack(LogIndex(3), WaiterToken(1));
        waiters.await_ack(LogIndex(3), WaiterToken(2));
        waiters.await_ack(LogIndex(9), WaiterToken(3));
        waiters.watch(WaiterToken(4), Offset(0));
        waiters.watch(WaiterToken(5), Offset(2));
        let mut wakes = Vec::new();
        waiters.advanced(LogIndex(3), Offset(2), &mut wakes);
        assert_eq!(names(&wakes), ["acked 1 Ok(())", "acked 2 Ok(())", "data 4"]);
        wakes.clear();
        waiters.advanced(LogIndex(8), Offset(7), &mut wakes);
        assert_eq!(names(&wakes), ["data 5"]);
        wakes.clear();
        waiters.watch(WaiterToken(6), Offset(7));
        waiters.watch(WaiterToken(7), Offset(7));
        waiters.unwatch(WaiterToken(6));
        waiters.removed(&mut wakes);
        assert_eq!(names(&wakes), ["data 7", "acked 3 Err(UnknownPartition)"]);
        assert!(waiters.is_empty());
    }
}
