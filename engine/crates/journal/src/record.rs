//! What stands in a commit: records, each of one group.
//!
//! Frame: body length u32, kind u8, group u64, body; little-endian. A kind that this version does not know is a newer
//! format's: the journal is refused, not skipped. `Carry` and `Large` are reserved (see [`Kind`]).

use std::fmt;

use model::{Epoch, GroupId, LogIndex, Offset, PartitionIndex, TopicId};

use crate::frame::{Counter, Fields, Malformed, Sink};
use crate::state::{Flushed, NOWHERE, State};

/// Bytes before a record's body.
pub const FRAME_BYTES: usize = 4 + 1 + 8;
/// Bytes before the batch in an Append's body.
pub const APPEND_BYTES: usize = 8 + 1;

/// A record's kind as it stands in the file. Numbers are never reused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// See [`Record::State`].
    State = 1,
    /// See [`Record::Append`].
    Append = 2,
    /// See [`Record::Marker`].
    Marker = 3,
    /// See [`Record::Vote`].
    Vote = 4,
    /// See [`Record::Truncate`].
    Truncate = 5,
    /// See [`Record::LogStart`].
    LogStart = 6,
    /// See [`Record::Flushed`].
    Flushed = 7,
    /// See [`Record::Create`].
    Create = 8,
    /// See [`Record::Remove`].
    Remove = 9,
    /// See [`Record::Replaced`].
    Replaced = 10,
    /// Reserved: a small tail written again into the journal instead of being flushed.
    Carry = 11,
    /// Reserved: a large append that went straight to its segment.
    Large = 12,
    /// See [`Record::Close`].
    Close = 13,
    /// See [`Record::Cleaned`].
    Cleaned = 14,
    /// See [`Record::Aborted`].
    Aborted = 15,
}

/// A record's kind that this version does not write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownKind(pub u8);

impl UnknownKind {
    /// The kind of the record at the front of these bytes, if it is whole and unknown.
    pub(crate) fn at_front(bytes: &[u8]) -> Option<UnknownKind> {
        let mut fields = Fields(bytes);
        let body = fields.count(1).ok()?;
        let kind = fields.u8().ok()?;
        fields.take(8).ok()?;
        fields.take(body).ok()?;
        let known = (Kind::State as u8..=Kind::Replaced as u8).contains(&kind)
            || (Kind::Close as u8..=Kind::Aborted as u8).contains(&kind);
        (!known).then_some(UnknownKind(kind))
    }

    /// Bytes of the record that begins here.
    pub(crate) fn skip(fields: &mut Fields<'_>) -> Result<(), Malformed> {
        let body = fields.count(1)?;
        fields.take(FRAME_BYTES - 4 + body).map(drop)
    }
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            kind if kind == Kind::Carry as u8 => " (a carried tail)",
            kind if kind == Kind::Large as u8 => " (a large append)",
            _ => "",
        };
        write!(f, "a record of kind {}{name}", self.0)
    }
}

/// An element of the log that takes an index but no offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Marker {
    /// A leader's first element (Raft's no-op).
    EpochStart {
        /// Its term.
        epoch: Epoch,
        /// Its node.
        leader: i32,
    },
    /// Who votes; opaque here.
    Config {
        /// Term of the leader that appended it.
        epoch: Epoch,
        /// The membership, as `replica` encodes it.
        members: Vec<u8>,
    },
    /// The log now starts here, for every replica (DeleteRecords).
    Start {
        /// Term of the leader that appended it.
        epoch: Epoch,
        /// The new log start.
        offset: Offset,
    },
}

impl Marker {
    /// The element's term.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        match self {
            Marker::EpochStart { epoch, .. } | Marker::Config { epoch, .. } | Marker::Start { epoch, .. } => {
                *epoch
            }
        }
    }

    pub(crate) fn encode(&self, out: &mut impl Sink) {
        match self {
            Marker::EpochStart { epoch, leader } => {
                out.u8(1);
                out.i32(epoch.0);
                out.i32(*leader);
            }
            Marker::Config { epoch, members } => {
                out.u8(2);
                out.i32(epoch.0);
                out.count(members.len());
                out.put(members);
            }
            Marker::Start { epoch, offset } => {
                out.u8(3);
                out.i32(epoch.0);
                out.i64(offset.0);
            }
        }
    }

    pub(crate) fn decode(fields: &mut Fields<'_>) -> Result<Marker, Malformed> {
        let (kind, epoch) = (fields.u8()?, Epoch(fields.i32()?));
        match kind {
            1 => Ok(Marker::EpochStart { epoch, leader: fields.i32()? }),
            2 => {
                let bytes = fields.count(1)?;
                Ok(Marker::Config { epoch, members: fields.take(bytes)?.to_vec() })
            }
            3 => Ok(Marker::Start { epoch, offset: Offset(fields.i64()?) }),
            _ => Err(Malformed),
        }
    }
}

/// One thing that a group made durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record<'a> {
    /// Everything about the group as of just before the next record of it.
    State(Box<State>),
    /// A batch: a range of elements.
    Append {
        /// Index of its first record.
        first: LogIndex,
        /// It begins a new logical segment.
        rolls: bool,
        /// The batch as it is stored and sent.
        batch: &'a [u8],
    },
    /// One element without an offset.
    Marker {
        /// Its index.
        index: LogIndex,
        /// What it says.
        marker: Marker,
    },
    /// A term, and who got the vote in it.
    Vote {
        /// The term.
        term: Epoch,
        /// The candidate's node id.
        vote: Option<i32>,
    },
    /// Elements from here on are gone.
    Truncate {
        /// The new end.
        end: LogIndex,
        /// Bytes that its last segment keeps, if that is known without looking into the file.
        segment_bytes: Option<u64>,
    },
    /// The first offset that may be read rose.
    LogStart {
        /// The new log start.
        offset: Offset,
    },
    /// Segment files hold everything below this mark, synced.
    Flushed {
        /// The mark.
        mark: Flushed,
        /// Bytes of all batches in the mark's segment, flushed or not: a truncation may have left that unknown.
        segment_bytes: u64,
    },
    /// The group exists.
    Create {
        /// Its topic.
        topic: TopicId,
        /// Its partition.
        partition: PartitionIndex,
    },
    /// The group is gone; its directory may be unlinked.
    Remove {
        /// Its topic.
        topic: TopicId,
        /// Its partition.
        partition: PartitionIndex,
    },
    /// Compaction: segments from `first` up to `end` are now the one whose file is `first`, with `bytes` bytes.
    Replaced {
        /// Base offset of the first segment replaced, and of the new one.
        first: Offset,
        /// Base offset of the first segment that was not replaced.
        end: Offset,
        /// Size of the new file.
        bytes: u64,
        /// Names the new file until it is renamed: `{first}.log.{file_id}.swap`.
        file_id: u64,
        /// Largest timestamp of a record that stayed, -1 if none did.
        max_timestamp: i64,
    },
    /// Compaction has been through everything before `upto`: what it looks for next lies behind.
    Cleaned {
        /// The first offset whose key has not been looked at.
        upto: Offset,
    },
    /// The marker just appended aborted a transaction. What its first offset was the log alone could not tell any more, once
    /// that has left the journal; so it stands in the marker's own commit.
    Aborted {
        /// Whose.
        producer_id: i64,
        /// Offset of its first record.
        first: Offset,
        /// Offset of its marker.
        last: Offset,
        /// The last stable offset once it was over.
        last_stable: Offset,
    },
    /// The journal was closed in order; group 0.
    Close,
}

impl<'a> Record<'a> {
    fn kind(&self) -> Kind {
        match self {
            Record::State(_) => Kind::State,
            Record::Append { .. } => Kind::Append,
            Record::Marker { .. } => Kind::Marker,
            Record::Vote { .. } => Kind::Vote,
            Record::Truncate { .. } => Kind::Truncate,
            Record::LogStart { .. } => Kind::LogStart,
            Record::Flushed { .. } => Kind::Flushed,
            Record::Create { .. } => Kind::Create,
            Record::Remove { .. } => Kind::Remove,
            Record::Replaced { .. } => Kind::Replaced,
            Record::Close => Kind::Close,
            Record::Cleaned { .. } => Kind::Cleaned,
            Record::Aborted { .. } => Kind::Aborted,
        }
    }

    fn body(&self, out: &mut impl Sink) {
        match self {
            Record::State(state) => state.encode(out),
            Record::Append { first, rolls, batch } => {
                out.u64(first.0);
                out.u8(u8::from(*rolls));
                out.put(batch);
            }
            Record::Marker { index, marker } => {
                out.u64(index.0);
                marker.encode(out);
            }
            Record::Vote { term, vote } => {
                out.i32(term.0);
                out.u8(u8::from(vote.is_some()));
                out.i32(vote.unwrap_or(0));
            }
            Record::Truncate { end, segment_bytes } => {
                out.u64(end.0);
                out.u64(segment_bytes.unwrap_or(NOWHERE));
            }
            Record::LogStart { offset } => out.i64(offset.0),
            Record::Flushed { mark, segment_bytes } => {
                mark.encode(out);
                out.u64(*segment_bytes);
            }
            Record::Create { topic, partition } | Record::Remove { topic, partition } => {
                out.put(&topic.0);
                out.i32(partition.0);
            }
            Record::Replaced { first, end, bytes, file_id, max_timestamp } => {
                out.i64(first.0);
                out.i64(end.0);
                out.u64(*bytes);
                out.u64(*file_id);
                out.i64(*max_timestamp);
            }
            Record::Cleaned { upto } => out.i64(upto.0),
            Record::Aborted { producer_id, first, last, last_stable } => {
                out.i64(*producer_id);
                out.i64(first.0);
                out.i64(last.0);
                out.i64(last_stable.0);
            }
            Record::Close => {}
        }
    }

    /// Bytes of the record with its frame.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let mut counter = Counter(FRAME_BYTES);
        self.body(&mut counter);
        counter.0
    }

    /// Writes the record with its frame; `len` is its [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, group: GroupId, len: usize, out: &mut impl Sink) {
        out.count(len - FRAME_BYTES);
        out.u8(self.kind() as u8);
        out.u64(group.0);
        self.body(out);
    }

    /// Takes one record off the front.
    pub fn decode(fields: &mut Fields<'a>) -> Result<(GroupId, Record<'a>), Malformed> {
        let body = fields.count(1)?;
        let (kind, group) = (fields.u8()?, GroupId(fields.u64()?));
        let mut fields = Fields(fields.take(body)?);
        let record = Record::decode_body(kind, &mut fields)?;
        fields.end()?;
        Ok((group, record))
    }

    fn decode_body(kind: u8, fields: &mut Fields<'a>) -> Result<Record<'a>, Malformed> {
        Ok(match kind {
            1 => Record::State(Box::new(State::decode(fields)?)),
            2 => {
                let (first, rolls) = (LogIndex(fields.u64()?), flag(fields.u8()?)?);
                Record::Append { first, rolls, batch: fields.take(fields.0.len())? }
            }
            3 => Record::Marker { index: LogIndex(fields.u64()?), marker: Marker::decode(fields)? },
            4 => {
                let (term, voted, vote) = (Epoch(fields.i32()?), flag(fields.u8()?)?, fields.i32()?);
                Record::Vote { term, vote: voted.then_some(vote) }
            }
            5 => {
                let (end, bytes) = (LogIndex(fields.u64()?), fields.u64()?);
                Record::Truncate { end, segment_bytes: (bytes != NOWHERE).then_some(bytes) }
            }
            6 => Record::LogStart { offset: Offset(fields.i64()?) },
            7 => Record::Flushed { mark: Flushed::decode(fields)?, segment_bytes: fields.u64()? },
            8 => Record::Create { topic: TopicId(fields.id()?), partition: PartitionIndex(fields.i32()?) },
            9 => Record::Remove { topic: TopicId(fields.id()?), partition: PartitionIndex(fields.i32()?) },
            10 => Record::Replaced {
                first: Offset(fields.i64()?),
                end: Offset(fields.i64()?),
                bytes: fields.u64()?,
                file_id: fields.u64()?,
                // Before users' topics were compacted it was not written; too large does no harm.
                max_timestamp: if fields.0.is_empty() { i64::MAX } else { fields.i64()? },
            },
            13 => Record::Close,
            14 => Record::Cleaned { upto: Offset(fields.i64()?) },
            15 => Record::Aborted {
                producer_id: fields.i64()?,
                first: Offset(fields.i64()?),
                last: Offset(fields.i64()?),
                last_stable: Offset(fields.i64()?),
            },
            _ => return Err(Malformed),
        })
    }
}

fn flag(byte: u8) -> Result<bool, Malformed> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}
