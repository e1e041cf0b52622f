//! Requests as clients write them, and answers as they read them. Written anew here: the engine's own code reads requests and
//! writes answers, so neither side checks itself.

use model::TopicId;
use wire::Reader;
use wire::keys::{FETCH, LIST_OFFSETS, PRODUCE, is_flexible};

use super::ledger::Checked;

/// From this version on Produce and Fetch name topics by id.
pub(super) const TOPIC_IDS_FROM: i16 = 13;

/// A topic as a request names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TopicName {
    pub name: String,
    pub id: TopicId,
}

/// A request's bytes on the way.
pub(super) struct Writer {
    out: Vec<u8>,
    flexible: bool,
}

impl Writer {
    /// The header; the length is put in by [`Writer::end`].
    pub fn begin(key: i16, version: i16, correlation: i32) -> Writer {
        let flexible = is_flexible(key, version);
        let mut writer = Writer { out: vec![0; 4], flexible };
        writer.int16(key);
        writer.int16(version);
        writer.int32(correlation);
        writer.int16(3);
        writer.out.extend_from_slice(b"sim");
        writer.no_tags();
        writer
    }

    pub fn end(mut self) -> Vec<u8> {
        let len = i32::try_from(self.out.len() - 4).expect("requests are small");
        self.out[..4].copy_from_slice(&len.to_be_bytes());
        self.out
    }

    pub fn int8(&mut self, value: i8) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub fn int16(&mut self, value: i16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub fn int32(&mut self, value: i32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub fn int64(&mut self, value: i64) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    fn varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.out.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    pub fn count(&mut self, n: usize) {
        if self.flexible { self.varint(n + 1) } else { self.int32(i32::try_from(n).expect("few")) }
    }

    pub fn string(&mut self, value: &str) {
        if self.flexible {
            self.varint(value.len() + 1);
        } else {
            self.int16(i16::try_from(value.len()).expect("short"));
        }
        self.out.extend_from_slice(value.as_bytes());
    }

    fn null_string(&mut self) {
        if self.flexible { self.varint(0) } else { self.int16(-1) }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    pub fn no_tags(&mut self) {
        if self.flexible {
            self.out.push(0);
        }
    }

    fn topic(&mut self, topic: &TopicName, by_id: bool) {
        if by_id { self.raw(&topic.id.0) } else { self.string(&topic.name) }
    }
}

/// Partitions of one topic, in a row.
pub(super) type ByTopic<T> = Vec<(TopicName, Vec<T>)>;

/// Puts partitions together by topic; those of one topic stand together already.
pub(super) fn by_topic<T>(parts: impl IntoIterator<Item = (TopicName, T)>) -> ByTopic<T> {
    let mut topics: ByTopic<T> = Vec::new();
    for (topic, part) in parts {
        match topics.last_mut() {
            Some((last, parts)) if *last == topic => parts.push(part),
            _ => topics.push((topic, vec![part])),
        }
    }
    topics
}

pub(super) fn produce(
    version: i16,
    correlation: i32,
    acks: i16,
    timeout_ms: i32,
    transaction: Option<&str>,
    topics: &ByTopic<(i32, &[u8])>,
) -> Vec<u8> {
    let mut out = Writer::begin(PRODUCE, version, correlation);
    match transaction {
        Some(id) => out.string(id),
        None => out.null_string(),
    }
    out.int16(acks);
    out.int32(timeout_ms);
    out.count(topics.len());
    for (topic, parts) in topics {
        out.topic(topic, version >= TOPIC_IDS_FROM);
        out.count(parts.len());
        for (index, batch) in parts {
            out.int32(*index);
            out.bytes(batch);
            out.no_tags();
        }
        out.no_tags();
    }
    out.no_tags();
    out.end()
}

/// Where a fetch reads a partition, and how much of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchFrom {
    pub index: i32,
    pub offset: i64,
    pub bytes_max: i32,
}

/// A Fetch's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchHead {
    pub version: i16,
    pub correlation: i32,
    pub wait_ms: i32,
    pub bytes_min: i32,
    pub bytes_max: i32,
    pub committed: bool,
    pub session_id: i32,
    pub session_epoch: i32,
}

pub(super) fn fetch(head: &FetchHead, topics: &ByTopic<FetchFrom>, forgotten: &ByTopic<i32>) -> Vec<u8> {
    let version = head.version;
    let mut out = Writer::begin(FETCH, version, head.correlation);
    if version < 15 {
        out.int32(-1);
    }
    out.int32(head.wait_ms);
    out.int32(head.bytes_min);
    out.int32(head.bytes_max);
    out.int8(i8::from(head.committed));
    if version >= 7 {
        out.int32(head.session_id);
        out.int32(head.session_epoch);
    }
    out.count(topics.len());
    for (topic, parts) in topics {
        out.topic(topic, version >= TOPIC_IDS_FROM);
        out.count(parts.len());
        for part in parts {
            out.int32(part.index);
            if version >= 9 {
                out.int32(-1);
            }
            out.int64(part.offset);
            if version >= 12 {
                out.int32(-1);
            }
            if version >= 5 {
                out.int64(-1);
            }
            out.int32(part.bytes_max);
            out.no_tags();
        }
        out.no_tags();
    }
    if version >= 7 {
        out.count(forgotten.len());
        for (topic, parts) in forgotten {
            out.topic(topic, version >= TOPIC_IDS_FROM);
            out.count(parts.len());
            for index in parts {
                out.int32(*index);
            }
            out.no_tags();
        }
    }
    if version >= 11 {
        out.string("");
    }
    out.no_tags();
    out.end()
}

pub(super) fn list_offsets(version: i16, correlation: i32, topics: &ByTopic<(i32, i64)>) -> Vec<u8> {
    let mut out = Writer::begin(LIST_OFFSETS, version, correlation);
    out.int32(-1);
    if version >= 2 {
        out.int8(0);
    }
    out.count(topics.len());
    for (topic, parts) in topics {
        out.string(&topic.name);
        out.count(parts.len());
        for (index, timestamp) in parts {
            out.int32(*index);
            if version >= 4 {
                out.int32(-1);
            }
            out.int64(*timestamp);
            out.no_tags();
        }
        out.no_tags();
    }
    if version >= 10 {
        out.int32(1_000);
    }
    out.no_tags();
    out.end()
}

/// The correlation id of an answer, and a reader behind its header.
pub(super) fn answer(key: i16, version: i16, frame: &[u8]) -> Checked<(i32, Reader<'_>)> {
    let mut reader = Reader::new(frame);
    let correlation = reader.int32().map_err(malformed)?;
    reader.no_tags(is_flexible(key, version)).map_err(malformed)?;
    Ok((correlation, reader))
}

#[allow(clippy::needless_pass_by_value)] // so that it serves as an argument of map_err
pub(super) fn malformed(error: wire::WireError) -> String {
    format!("an answer is malformed: {}", error.describe())
}

/// A partition of a Produce's answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Produced {
    pub index: i32,
    pub error: i16,
    pub base_offset: i64,
}

pub(super) fn produced(version: i16, mut reader: Reader<'_>) -> Checked<Vec<Produced>> {
    let mut read = || {
        let flexible = is_flexible(PRODUCE, version);
        let mut parts = Vec::new();
        for _ in 0..reader.count(flexible, 1)? {
            topic_name(&mut reader, version, flexible)?;
            for _ in 0..reader.count(flexible, 1)? {
                let (index, error, base_offset) = (reader.int32()?, reader.int16()?, reader.int64()?);
                reader.int64()?;
                if version >= 5 {
                    reader.int64()?;
                }
                if version >= 8 {
                    for _ in 0..reader.count(flexible, 1)? {
                        reader.int32()?;
                        reader.nullable_string(flexible)?;
                        reader.no_tags(flexible)?;
                    }
                    reader.nullable_string(flexible)?;
                }
                reader.no_tags(flexible)?;
                parts.push(Produced { index, error, base_offset });
            }
            reader.no_tags(flexible)?;
        }
        reader.int32()?;
        reader.no_tags(flexible)?;
        reader.finish()?;
        Ok(parts)
    };
    read().map_err(malformed)
}

fn topic_name(reader: &mut Reader<'_>, version: i16, flexible: bool) -> Result<TopicName, wire::WireError> {
    if version >= TOPIC_IDS_FROM {
        return Ok(TopicName { name: String::new(), id: TopicId(reader.uuid()?) });
    }
    Ok(TopicName { name: reader.string(flexible)?.to_owned(), id: TopicId::ZERO })
}

/// A partition of a Fetch's answer.
pub(super) struct FetchedPart<'a> {
    pub topic: TopicName,
    pub index: i32,
    pub error: i16,
    pub high_watermark: i64,
    pub last_stable: i64,
    /// Producer and first offset of aborted transactions; `None` if they were not asked for.
    pub aborted: Option<Vec<(i64, i64)>>,
    /// `None` in versions that do not tell.
    pub log_start: Option<i64>,
    pub records: &'a [u8],
}

/// A Fetch's answer.
pub(super) struct Fetched<'a> {
    pub error: i16,
    pub session_id: i32,
    pub parts: Vec<FetchedPart<'a>>,
}

pub(super) fn fetched(version: i16, mut reader: Reader<'_>) -> Checked<Fetched<'_>> {
    let mut read = || {
        let flexible = is_flexible(FETCH, version);
        reader.int32()?;
        let (error, session_id) = if version >= 7 { (reader.int16()?, reader.int32()?) } else { (0, 0) };
        let mut parts = Vec::new();
        for _ in 0..reader.count(flexible, 1)? {
            let topic = topic_name(&mut reader, version, flexible)?;
            for _ in 0..reader.count(flexible, 1)? {
                let (index, error) = (reader.int32()?, reader.int16()?);
                let (high_watermark, last_stable) = (reader.int64()?, reader.int64()?);
                let log_start = if version >= 5 { Some(reader.int64()?) } else { None };
                let mut aborted = None;
                if let Some(count) = reader.nullable_count(flexible, 16)? {
                    let list: &mut Vec<(i64, i64)> = aborted.insert(Vec::new());
                    for _ in 0..count {
                        list.push((reader.int64()?, reader.int64()?));
                        reader.no_tags(flexible)?;
                    }
                }
                if version >= 11 {
                    reader.int32()?;
                }
                let records = reader.nullable_bytes(flexible)?.unwrap_or_default();
                reader.no_tags(flexible)?;
                let topic = topic.clone();
                let part = FetchedPart {
                    topic,
                    index,
                    error,
                    high_watermark,
                    last_stable,
                    aborted,
                    log_start,
                    records,
                };
                parts.push(part);
            }
            reader.no_tags(flexible)?;
        }
        reader.no_tags(flexible)?;
        reader.finish()?;
        Ok(Fetched { error, session_id, parts })
    };
    read().map_err(malformed)
}

/// A partition of a ListOffsets' answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub error: i16,
    pub timestamp: i64,
    pub offset: i64,
}

pub(super) fn listed(version: i16, mut reader: Reader<'_>) -> Checked<Vec<Listed>> {
    let mut read = || {
        let flexible = is_flexible(LIST_OFFSETS, version);
        if version >= 2 {
            reader.int32()?;
        }
        let mut parts = Vec::new();
        for _ in 0..reader.count(flexible, 1)? {
            reader.string(flexible)?;
            for _ in 0..reader.count(flexible, 1)? {
                reader.int32()?;
                let (error, timestamp, offset) = (reader.int16()?, reader.int64()?, reader.int64()?);
                if version >= 4 {
                    reader.int32()?;
                }
                reader.no_tags(flexible)?;
                parts.push(Listed { error, timestamp, offset });
            }
            reader.no_tags(flexible)?;
        }
        reader.no_tags(flexible)?;
        reader.finish()?;
        Ok(parts)
    };
    read().map_err(malformed)
}
