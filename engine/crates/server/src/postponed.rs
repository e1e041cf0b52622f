//! Appends for which the journal has no room yet, of other shards' clients and of Python. They wait here in their order:
//! answered with an error, one that a client retries, a batch would come behind the next one of its producer, and Python
//! would read its log again from the beginning.
//!
//! Bounded by those who wait: a connection begins no other request until its batches are in order, and Python parks so many.

use std::collections::VecDeque;

use model::GroupId;
use partition::{AppendError, Origin, WaiterToken};

use crate::calls::{CallId, Request};
use crate::message::Message;
use crate::server::{Context, Server};
use crate::waits::Token;

/// A batch of another shard's client.
struct Foreign {
    token: Token,
    group: GroupId,
    batch: Vec<u8>,
    origin: Origin,
}

/// What waits for room.
#[derive(Default)]
pub(crate) struct Postponed {
    calls: VecDeque<(CallId, Request)>,
    foreign: VecDeque<Foreign>,
    /// Other shards' batches come before our own connections: theirs found no room last time.
    foreign_first: bool,
}

impl Server {
    /// Another shard's client appends to a partition of ours: with our own connections, in turns.
    pub(crate) fn append_for(&mut self, token: Token, group: GroupId, batch: Vec<u8>, origin: Origin) {
        self.postponed.foreign.push_back(Foreign { token, group, batch, origin });
    }

    /// Python changes a log: at once, unless an earlier change of its waits.
    pub(crate) fn call_change(&mut self, context: &mut Context<'_>, call: CallId, request: Request) {
        if !self.postponed.calls.is_empty() || !self.try_change(context, call, &request) {
            self.postponed.calls.push_back((call, request));
        }
    }

    /// What Python asked for before goes first: it is small, and much waits for it.
    pub(crate) fn postponed_calls(&mut self, context: &mut Context<'_>) {
        while let Some((call, request)) = self.postponed.calls.pop_front() {
            if !self.try_change(context, call, &request) {
                self.postponed.calls.push_front((call, request));
                return;
            }
        }
    }

    /// Whether other shards' batches come before our own connections in this turn.
    pub(crate) fn foreign_go_first(&self) -> bool {
        self.postponed.foreign_first
    }

    /// Appends other shards' batches while there is room; whether there was any for one.
    pub(crate) fn append_foreign(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.postponed.foreign.len();
        while let Some(Foreign { token, group, batch, origin }) = self.postponed.foreign.pop_front() {
            let result = context.store.append(context.now, group, &batch, origin, Some(WaiterToken(token.0)));
            let answer = match result {
                Err(AppendError::NoRoom) => {
                    self.postponed.foreign.push_front(Foreign { token, group, batch, origin });
                    break;
                }
                Err(AppendError::Unverified(guard)) => Message::Unverified { token, group, guard, batch },
                Err(error) => Message::Appended { token, result: Err(context.store.refused(group, error)) },
                Ok(appended) => Message::Appended { token, result: Ok(appended) },
            };
            context.outbox.0.push((token.shard(), answer));
        }
        self.postponed.foreign.len() < before
    }

    /// Those who found no room begin the next turn, unless they began this one with success.
    pub(crate) fn settle_order(&mut self, began: bool) {
        self.postponed.foreign_first = !began && !self.postponed.foreign.is_empty();
    }
}
