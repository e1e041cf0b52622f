//! Control batches: one record that ends a transaction.

use crate::{Builder, Codec, Record};

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
