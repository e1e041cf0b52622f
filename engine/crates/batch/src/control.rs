//! Control batches: one record that ends a transaction.

use crate::header::{ATTRIBUTES_AT, Attributes};
use crate::{Builder, Codec, HEADER_BYTES, Header, Record, records};

/// What a control record says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlKind {
    /// The producer's open records are not to be seen.
    Abort,
    /// They are.
    Commit,
}

/// The marker that ends a transaction (KIP-98): key {version 0, kind}, value {version 0, coordinator epoch}.
#[must_use]
pub fn control_batch(
    kind: ControlKind,
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
    timestamp: i64,
) -> Vec<u8> {
    let kind: i16 = match kind {
        ControlKind::Abort => 0,
        ControlKind::Commit => 1,
    };
    let key = [[0, 0], kind.to_be_bytes()].concat();
    let value = [&[0, 0][..], &coordinator_epoch.to_be_bytes()].concat();
    let mut builder = Builder::new().producer(producer_id, producer_epoch, -1).transactional().control();
    builder.push(timestamp, Some(&key), Some(&value), &[]);
    builder.finish(Codec::None)
}

/// What a control batch's record says; `None` for kinds that end no transaction.
#[must_use]
pub fn control_kind(record: &Record<'_>) -> Option<ControlKind> {
    let kind: &[u8; 2] = record.key?.get(2..4)?.first_chunk()?;
    match i16::from_be_bytes(*kind) {
        0 => Some(ControlKind::Abort),
        1 => Some(ControlKind::Commit),
        _ => None,
    }
}

/// The end of a producer's transaction in a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndMarker {
    /// Whether its records count.
    pub kind: ControlKind,
    /// Epoch of the transaction coordinator that decided it.
    pub coordinator_epoch: i32,
}

/// What a control batch says; `None` for any other batch, and for a control batch that ends no transaction.
#[must_use]
pub fn end_marker(header: &Header, bytes: &[u8]) -> Option<EndMarker> {
    if !header.attributes.is_control() || header.attributes.codec() != Ok(Codec::None) {
        return None;
    }
    let record = records(header, bytes.get(HEADER_BYTES..header.total_bytes())?).next()?.ok()?;
    let coordinator_epoch = i32::from_be_bytes(*record.value?.get(2..6)?.first_chunk()?);
    Some(EndMarker { kind: control_kind(&record)?, coordinator_epoch })
}

/// Whether what should be a batch says that it is part of a transaction; nothing else of it is looked at.
#[must_use]
pub fn claims_transaction(bytes: &[u8]) -> bool {
    const TRANSACTIONAL: u8 = Attributes::TRANSACTIONAL as u8;
    bytes.get(ATTRIBUTES_AT + 1).is_some_and(|low| low & TRANSACTIONAL != 0)
}
