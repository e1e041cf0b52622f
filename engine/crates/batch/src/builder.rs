//! Batches of our own: internal topics, markers, compaction, tests.

use model::{Epoch, Offset};

use crate::check::seal;
use crate::codec::compress;
use crate::header::{Attributes, HEADER_BYTES, Header, MAGIC, OVERHEAD_BYTES, TimestampType};
use crate::record::Record;
use crate::{Codec, varint};

/// Collects records and makes one batch of them.
#[derive(Clone, Debug)]
pub struct Builder {
    header: Header,
    records: Vec<u8>,
    body: Vec<u8>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    /// A batch at base offset 0 without a producer.
    #[must_use]
    pub fn new() -> Builder {
        let header = Header {
            base_offset: Offset::ZERO,
            batch_length: 0,
            epoch: Epoch::NONE,
            magic: MAGIC,
            crc: 0,
            attributes: Attributes(0),
            last_offset_delta: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            record_count: 0,
        };
        Builder { header, records: Vec::new(), body: Vec::new() }
    }

    /// A batch that stands in another one's place with some of its records: same offsets, epoch, flags and producer.
    #[must_use]
    pub fn in_place_of(header: &Header) -> Builder {
        let max_timestamp = match header.attributes.timestamp_type() {
            TimestampType::CreateTime => -1,
            TimestampType::LogAppendTime => header.max_timestamp,
        };
        let header = Header { record_count: 0, max_timestamp, ..*header };
        Builder { header, records: Vec::new(), body: Vec::new() }
    }

    /// Compaction may drop the batch's deletions (a marker's batch: the marker) from this time on (KIP-534).
    #[must_use]
    pub fn delete_horizon(mut self, ms: i64) -> Builder {
        assert!(self.is_empty(), "the records' timestamps are counted from it");
        self.header.attributes.0 |= Attributes::DELETE_HORIZON;
        self.header.base_timestamp = ms;
        self
    }

    /// Makes it an idempotent producer's batch.
    #[must_use]
    pub fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Builder {
        self.header.producer_id = id;
        self.header.producer_epoch = epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Makes it part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Builder {
        self.header.attributes.0 |= Attributes::TRANSACTIONAL;
        self
    }

    /// Makes it a control batch.
    #[must_use]
    pub fn control(mut self) -> Builder {
        self.header.attributes.0 |= Attributes::CONTROL;
        self
    }

    /// Whether nothing was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.header.record_count == 0
    }

    /// Bytes of the batch so far, before compression.
    #[must_use]
    pub fn bytes(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// Adds a record at the next offset.
    ///
    /// # Panics
    /// If the batch would not fit Kafka's 32-bit lengths.
    pub fn push(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) {
        if self.is_empty() {
            self.header.base_timestamp = timestamp;
            self.header.max_timestamp = timestamp;
        }
        self.header.max_timestamp = self.header.max_timestamp.max(timestamp);
        let delta = self.header.record_count;
        self.header.last_offset_delta = delta;
        self.begin(timestamp, delta, key, value, headers.len());
        for (name, value) in headers {
            sized(&mut self.body, Some(name));
            sized(&mut self.body, *value);
        }
        self.end();
    }

    /// Adds a record at its own offset, which rises within the batch made by [`Builder::in_place_of`].
    ///
    /// # Panics
    /// If the record is not of that batch.
    pub fn keep(&mut self, record: &Record<'_>) {
        let delta = record.offset.0 - self.header.base_offset.0;
        let delta = i32::try_from(delta).expect("a record of the same batch");
        assert!((0..=self.header.last_offset_delta).contains(&delta), "a record of the same batch");
        if self.is_empty() && !self.header.attributes.has_delete_horizon() {
            self.header.base_timestamp = record.timestamp;
        }
        self.header.max_timestamp = self.header.max_timestamp.max(record.timestamp);
        self.begin(record.timestamp, delta, record.key, record.value, record.headers.count());
        self.body.extend_from_slice(record.headers.bytes());
        self.end();
    }

    fn begin(
        &mut self,
        timestamp: i64,
        delta: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: usize,
    ) {
        self.body.clear();
        self.body.push(0);
        varint::write(&mut self.body, timestamp.wrapping_sub(self.header.base_timestamp));
        varint::write(&mut self.body, i64::from(delta));
        sized(&mut self.body, key);
        sized(&mut self.body, value);
        varint::write(&mut self.body, headers as i64);
    }

    fn end(&mut self) {
        varint::write(&mut self.records, self.body.len() as i64);
        self.records.extend_from_slice(&self.body);
        self.header.record_count += 1;
    }

    /// The batch, at the codec's default level. A batch without records is valid only in a compacted log.
    #[must_use]
    pub fn finish(self, codec: Codec) -> Vec<u8> {
        self.finish_at(codec, None)
    }

    /// The batch, at a level on the codec's own scale.
    #[must_use]
    pub fn finish_at(self, codec: Codec, level: Option<i32>) -> Vec<u8> {
        assemble(&self.header, &self.records, codec, level)
    }
}

/// What stays of a batch that lost all its records where its offsets and sequence numbers are still needed, as Kafka writes it.
#[must_use]
pub fn emptied(header: &Header) -> Vec<u8> {
    let flags = Attributes::LOG_APPEND_TIME | Attributes::TRANSACTIONAL | Attributes::CONTROL;
    let attributes = Attributes(header.attributes.0 & flags);
    assemble(&Header { attributes, base_timestamp: -1, record_count: 0, ..*header }, &[], Codec::None, None)
}

/// One whole batch of a header (its length, codec and CRC are set) and records that are not compressed.
pub(crate) fn assemble(header: &Header, records: &[u8], codec: Codec, level: Option<i32>) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    compress(codec, level, records, &mut bytes);
    let header = Header {
        batch_length: i32::try_from(bytes.len() - OVERHEAD_BYTES).expect("a batch is below 2 GiB"),
        attributes: header.attributes.with_codec(codec),
        ..*header
    };
    header.write(&mut bytes);
    seal(&mut bytes);
    bytes
}

fn sized(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::write(out, -1),
        Some(bytes) => {
            varint::write(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}
