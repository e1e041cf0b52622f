//! What other shards, Python and the store tell a server, and where it goes.

use std::sync::Arc;

use model::{ConnectionId, ErrorCode, PartitionIndex};
use partition::{TopicSpec, WaiterToken, Wake};

use crate::calls::{CallId, Outcome, Reply};
use crate::connection::Piece;
use crate::message::{Message, TopicsChange};
use crate::server::{Context, Flow, Server};
use crate::verification::Unverified;
use crate::waits::Token;

impl Server {
    /// A message from another shard or from Python.
    pub fn message(&mut self, context: &mut Context<'_>, message: Message) -> Flow {
        match message {
            Message::Answer { connection, response } => self.python_answer(context, connection, response),
            Message::Topics { call, change } => self.topics(context, call, &change),
            Message::RemoveUnnamed => context.store.retain(&|_| false),
            Message::Call { call, request } => self.python_call(context, call, request),
            Message::Append { token, group, batch, origin } => {
                self.append_for(token, group, batch, origin);
            }
            Message::Unverified { token, group, guard, batch } => {
                self.unverified(token, Unverified { group, guard, batch });
            }
            Message::Verified { token, errors } => self.verified(context, token, &errors),
            Message::Appended { token, result } => self.produce_ordered(token, result),
            Message::Acked { token, error } => self.produce_acked(token, error),
            Message::Fetch { token, spec, watch } => self.fetch_for(context, token, &spec, watch),
            Message::Fetched { token, result } => self.fetched(context, token, result),
            Message::Woken { token } => self.wake_fetch(token),
            Message::Unwatch { group, token } => context.store.unwatch(group, WaiterToken(token.0)),
            Message::List { token, query } => self.list_for(context, token, query),
            Message::Listed { token, result } => self.listed(token, result),
            Message::Settings(settings) => {
                context.store.set_cleaner(settings.cleaner(self.shards));
                self.settings = settings;
            }
            Message::Features(features) => self.features = features,
            Message::StopAccepting => self.stop_accepting(context),
            Message::Stop => {
                self.stop_accepting(context);
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    fn python_answer(&mut self, context: &mut Context<'_>, id: ConnectionId, response: Option<Vec<u8>>) {
        let Some(token) = self.by_id.get(&id).copied() else { return };
        let Some(slot) = self.connection(token).and_then(|connection| connection.held_slot) else { return };
        let Some(response) = response else {
            self.refuse(context, token, "Python refused the request");
            return;
        };
        let len = i32::try_from(response.len()).expect("answers are far below 2 GiB");
        let mut framed = Vec::with_capacity(4 + response.len());
        framed.extend_from_slice(&len.to_be_bytes());
        framed.extend_from_slice(&response);
        self.answer(token, id, slot, vec![Piece::Owned(framed)]);
    }

    fn topics(&mut self, context: &mut Context<'_>, call: CallId, change: &TopicsChange) {
        for id in &change.removed {
            if self.routing.remove(*id).is_some() {
                context.store.remove(*id);
            }
        }
        for topic in &change.put {
            let own =
                topic.groups.iter().enumerate().filter(|(_, group)| group.shard(self.shards) == self.id);
            let partitions = own
                .map(|(index, group)| {
                    (*group, PartitionIndex(i32::try_from(index).expect("partition counts are i32")))
                })
                .collect();
            context.store.configure(TopicSpec {
                topic_id: topic.id,
                name: Arc::clone(&topic.name),
                internal: topic.internal,
                config: topic.config.clone(),
                partitions,
            });
            self.routing.put(Arc::clone(topic));
        }
        self.outcomes.push(Outcome { call, reply: Reply::Topics });
    }

    /// Something of this shard's store came about.
    pub fn wake(&mut self, context: &mut Context<'_>, wake: Wake) {
        match wake {
            Wake::Acked { token, result } => {
                let token = Token(token.0);
                let error = result.err().map_or(ErrorCode::NONE, partition::error_code);
                if token.shard() == self.id {
                    self.produce_acked(token, error);
                } else {
                    context.outbox.0.push((token.shard(), Message::Acked { token, error }));
                }
            }
            Wake::Data { token } => {
                let token = Token(token.0);
                if token.shard() == self.id {
                    if !self.call_woken(token) {
                        self.wake_fetch(token);
                    }
                } else {
                    context.outbox.0.push((token.shard(), Message::Woken { token }));
                }
            }
            Wake::Read { token, result } => {
                let token = Token(token.0);
                if token.shard() == self.id {
                    self.fetched(context, token, result);
                } else {
                    context.outbox.0.push((token.shard(), Message::Fetched { token, result }));
                }
            }
            Wake::Listed { token, result } => {
                let token = Token(token.0);
                if token.shard() == self.id {
                    self.listed(token, result);
                } else {
                    context.outbox.0.push((token.shard(), Message::Listed { token, result }));
                }
            }
        }
    }
}
