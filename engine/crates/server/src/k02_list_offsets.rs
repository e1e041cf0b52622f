//! ListOffsets (key 2, v1-11): which offset belongs to a time, or to one of the special times.
//!
//! v4 leader epoch   v6 flexible   v7 -3 max timestamp   v8 -4 earliest local   v9 -5 latest tiered   v11 -6 earliest pending
//! A special time below the version that brought it is UNSUPPORTED_VERSION for its partition. As in Kafka, a topic without
//! partitions is passed over, and a partition that is named twice is answered once, with INVALID_REQUEST.

use std::collections::BTreeMap;

use io::NetToken;
use model::{ConnectionId, Epoch, ErrorCode, Offset, PartitionIndex};
use partition::{Isolation, ListQuery, Listed, ListedOffset, WaiterToken};
use wire::list_offsets::{ListOffsetsPartition, ListOffsetsPartitionResponse};
use wire::{ListOffsetsRequest, ListOffsetsResponseWriter, RequestHeader};

use crate::connection::{Hold, Piece, Slot};
use crate::message::Message;
use crate::server::{Close, Context, Server, Wait};
use crate::waits::{PARTS_MAX, Token};

/// A ListOffsets on its way.
pub(crate) struct ListWait {
    connection: ConnectionId,
    token: NetToken,
    slot: Slot,
    version: i16,
    correlation_id: i32,
    topics: Vec<(String, usize)>,
    parts: Vec<ListOffsetsPartitionResponse>,
    asked: usize,
}

const fn refused(index: PartitionIndex, error: ErrorCode) -> ListOffsetsPartitionResponse {
    ListOffsetsPartitionResponse {
        index,
        error,
        timestamp: -1,
        offset: Offset(-1),
        leader_epoch: Epoch::NONE,
    }
}

/// Partitions by topic, each as it was named last and how often, in the order of their first mention.
fn once<'a>(request: &ListOffsetsRequest<'a>) -> Vec<(&'a str, Vec<(ListOffsetsPartition, usize)>)> {
    let mut topics: Vec<(&str, Vec<(ListOffsetsPartition, usize)>)> = Vec::new();
    let (mut topic_at, mut partition_at) = (BTreeMap::new(), BTreeMap::new());
    for topic in request.topics() {
        for partition in topic.partitions() {
            let at = *topic_at.entry(topic.name).or_insert_with(|| {
                topics.push((topic.name, Vec::new()));
                topics.len() - 1
            });
            let partitions = &mut topics[at].1;
            let place = *partition_at.entry((at, partition.index)).or_insert(partitions.len());
            match partitions.get_mut(place) {
                Some((last, times)) => (*last, *times) = (partition, *times + 1),
                None => partitions.push((partition, 1)),
            }
        }
    }
    topics
}

impl Server {
    pub(crate) fn list_offsets(
        &mut self,
        context: &mut Context<'_>,
        token: NetToken,
        header: &RequestHeader<'_>,
        body: &[u8],
    ) -> Result<(), Close> {
        let version = header.api_version;
        if !self.api.serves(2, version) {
            return Err(Close("a version of ListOffsets that is not advertised"));
        }
        let request = ListOffsetsRequest::read(version, body)?;
        if request.topics().into_iter().map(|topic| topic.partitions().len()).sum::<usize>() > PARTS_MAX {
            return Err(Close("more partitions than a request may name"));
        }
        let asked = once(&request);
        let mut topics = Vec::with_capacity(asked.len());
        let mut parts = Vec::new();
        let mut queries: Vec<(usize, ListQuery)> = Vec::new();
        for (topic, partitions) in asked {
            topics.push((topic.to_owned(), partitions.len()));
            for (partition, times) in partitions {
                let time = partition.timestamp;
                let known = wire::list_offsets::is_asked_for(time, version);
                let group = match self.routing.named(topic) {
                    _ if Isolation::is_strange(request.isolation_level) => {
                        Err(ErrorCode::UNKNOWN_SERVER_ERROR)
                    }
                    _ if times > 1 => Err(ErrorCode::INVALID_REQUEST),
                    _ if !known => Err(ErrorCode::UNSUPPORTED_VERSION),
                    Some(found) => found.group(partition.index),
                    None => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
                };
                if let Ok(group) = group {
                    let query = ListQuery {
                        group,
                        timestamp: time,
                        isolation: Isolation::from_wire(request.isolation_level),
                        current_epoch: partition.current_leader_epoch,
                    };
                    queries.push((parts.len(), query));
                }
                parts.push(refused(partition.index, group.err().unwrap_or(ErrorCode::NONE)));
            }
        }
        let connection = self.connection(token).expect("its frame is being read");
        let (id, slot) = (connection.id, connection.begin());
        connection.hold = Hold::Answer;
        connection.held_slot = Some(slot);
        let wait = ListWait {
            connection: id,
            token,
            slot,
            version,
            correlation_id: header.correlation_id,
            topics,
            parts,
            asked: queries.len(),
        };
        let name = self.waits.insert(Wait::List(wait));
        for (number, query) in queries {
            let owner = query.group.shard(self.shards);
            if owner == self.id {
                if let Some(result) = look_up(context, name.part(number), &query) {
                    self.list_done(name.part(number), result);
                }
            } else {
                context.outbox.0.push((owner, Message::List { token: name.part(number), query }));
            }
        }
        self.list_progress(name);
        Ok(())
    }

    /// Another shard's client asks about a partition of ours.
    pub(crate) fn list_for(&mut self, context: &mut Context<'_>, token: Token, query: ListQuery) {
        if let Some(result) = look_up(context, token, &query) {
            context.outbox.0.push((token.shard(), Message::Listed { token, result }));
        }
    }

    pub(crate) fn listed(&mut self, token: Token, result: Result<ListedOffset, ErrorCode>) {
        if self.call_listed(token, result) {
            return;
        }
        self.list_done(token, result);
        self.list_progress(token.part(0));
    }

    fn list_done(&mut self, token: Token, result: Result<ListedOffset, ErrorCode>) {
        let Some(Wait::List(wait)) = self.waits.get(token) else { return };
        wait.asked -= 1;
        let part = &mut wait.parts[token.part_number()];
        match result {
            Ok(found) => {
                part.timestamp = found.timestamp;
                part.offset = found.offset;
                part.leader_epoch = found.epoch;
            }
            Err(error) => part.error = error,
        }
    }

    fn list_progress(&mut self, name: Token) {
        match self.waits.get(name) {
            Some(Wait::List(wait)) if wait.asked == 0 => {}
            _ => return,
        }
        let Some(Wait::List(wait)) = self.waits.remove(name) else { return };
        let mut out = Vec::new();
        let mut writer = ListOffsetsResponseWriter::begin(
            &mut out,
            wait.version,
            wait.correlation_id,
            0,
            wait.topics.len(),
        );
        let mut parts = wait.parts.iter();
        for (topic, count) in &wait.topics {
            writer.topic(topic, *count);
            for part in parts.by_ref().take(*count) {
                writer.partition(part);
            }
        }
        writer.end();
        self.answer(wait.token, wait.connection, wait.slot, vec![Piece::Owned(out)]);
    }
}

fn look_up(
    context: &mut Context<'_>,
    token: Token,
    query: &ListQuery,
) -> Option<Result<ListedOffset, ErrorCode>> {
    match context.store.list_offsets(query, WaiterToken(token.0), context.jobs) {
        Ok(Listed::Ready(found)) => Some(Ok(found)),
        Ok(Listed::Pending) => None,
        Err(error) => Some(Err(error)),
    }
}
