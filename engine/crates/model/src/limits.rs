//! Every limit of the engine: name, unit last, and why it is what it is. Relations between them are checked when compiling.

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Largest request frame by default, `socket.request.max.bytes` (Kafka's default).
pub const REQUEST_BYTES_MAX: usize = 100 * MIB;
/// Bytes read from one connection in one turn of the shard, so that a fast sender cannot starve the others.
pub const TURN_READ_BYTES_MAX: usize = MIB;
/// Frames taken from one connection in one turn, for the same reason.
pub const TURN_FRAMES_MAX: usize = 256;
/// Requests of one connection that may wait for their answers; beyond it the connection is not read.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 128;
/// Answer bytes that may wait in one connection before its next request begins; one answer of any size always may.
pub const ANSWER_BYTES_WAITING_MAX: usize = MIB;
/// A frame that began must be whole within this time (slow senders).
pub const FRAME_MS_MAX: u64 = 30_000;
/// An answer that makes no progress for this long ends its connection (readers that never read).
pub const ANSWER_STALL_MS_MAX: u64 = 60_000;
/// A connection that says nothing for this long is closed, `connections.max.idle.ms` (Kafka's default).
pub const CONNECTION_IDLE_MS_MAX: u64 = 600_000;
/// Memory that half-read frames of all connections of a shard may hold together.
pub const FRAME_BYTES_HELD_MAX: usize = 512 * MIB;

/// Largest record batch by default, `max.message.bytes` (Kafka's default), with the 12 bytes of offset and length.
pub const BATCH_BYTES_MAX_DEFAULT: usize = 1_048_588;
/// Largest record batch that any configuration may allow: the journal makes a file that takes a commit of this size twice.
pub const BATCH_BYTES_MAX: usize = 48 * MIB;
/// Bytes that one batch may grow to when it is decompressed for checking.
pub const BATCH_DECOMPRESSED_BYTES_MAX: usize = 64 * MIB;
/// Tagged fields in one structure of a request; Kafka itself defines at most four.
pub const TAGGED_FIELDS_MAX: usize = 64;

/// Unit of the journal: every commit begins at a multiple of it and is padded to one (sector and page size).
pub const JOURNAL_BLOCK_BYTES: usize = 4 * KIB;
/// A turn is closed when it holds this much, so that one commit stays short and latency flat.
pub const COMMIT_BYTES_TARGET: usize = MIB;
/// The first journal file, small so that a first start costs nothing.
pub const JOURNAL_FILE_BYTES_FIRST: u64 = 2 * MIB as u64;
/// A full-grown journal file: half of what stays in memory, so that a closed file is written behind from memory.
pub const JOURNAL_FILE_BYTES: u64 = 32 * MIB as u64;
/// A journal file's largest size in `--dev` and in tests.
pub const JOURNAL_FILE_BYTES_DEV: u64 = 8 * MIB as u64;
/// Journal files a shard may have; bounds what a restart must read (512 MiB) and what tails may hold.
pub const JOURNAL_FILES_MAX: usize = 16;
/// Commit buffers that stay in memory to serve tail reads, per shard.
pub const TAIL_BYTES_MAX: usize = 64 * MIB;

/// Open descriptors that the node's segment cache may keep, if the process may have four times as many.
pub const SEGMENT_FILES_OPEN_MAX: usize = 256;
/// Batches of a producer that are remembered to answer duplicates (Kafka's number: 5 in flight).
pub const PRODUCER_BATCHES_KEPT: usize = 5;
/// Producers that a journal's State may hold; where there are more they stand in a file, so that States stay small.
pub const PRODUCERS_IN_STATE_MAX: usize = 64;
/// Idempotent producers remembered per partition before the least recent is forgotten.
pub const PRODUCERS_PER_PARTITION_MAX: usize = 10_000;
/// Producers with an open transaction in a partition: they are never forgotten, so another one has to wait.
pub const TRANSACTIONS_OPEN_PER_PARTITION_MAX: usize = PRODUCERS_PER_PARTITION_MAX / 2;
/// Producers of a partition whose transaction is being verified; others have to come again.
pub const VERIFYING_PER_PARTITION_MAX: usize = 1_000;
/// Produce requests of a shard that wait for their transaction to be verified.
pub const VERIFICATIONS_IN_FLIGHT_MAX: usize = 1_000;
/// Longest that one waits (Kafka's `request.timeout.ms` between brokers).
pub const VERIFICATION_MS_MAX: u64 = 30_000;

/// Memory of a node for the keys of the log that is compacted, `log.cleaner.dedupe.buffer.size` (Kafka's default).
pub const COMPACTION_KEYS_BYTES_MAX: usize = 128 * MIB;

/// Bytes that a compaction reads before it lets others have the thread and the disk; a larger batch is read alone.
pub const COMPACTION_SLICE_BYTES: usize = MIB;

/// Fetch sessions kept by a node, `max.incremental.fetch.session.cache.slots` (Kafka's default).
pub const FETCH_SESSIONS_MAX: usize = 1_000;
/// Bytes that one Fetch may ask for in all, `fetch.max.bytes` of a broker (Kafka's default, 55 MiB).
pub const FETCH_BYTES_MAX: usize = 55 * MIB;
/// Answers of a shard that wait for slow readers may hold so much before fetches bring less; room for several of any size.
pub const ANSWER_BYTES_HELD_MAX: usize = 256 * MIB;
/// Bytes that one Fetch brings at most while they hold more: a batch by default.
pub const FETCH_BYTES_CROWDED_MAX: usize = MIB;
/// Longest that a Fetch may wait.
pub const FETCH_WAIT_MS_MAX: u64 = 300_000;

/// A Produce is answered REQUEST_TIMED_OUT no earlier than this, whatever time the client gives it.
pub const PRODUCE_MS_MIN: u64 = 1_000;

/// Requests that may wait for Python, per shard; beyond it connections with such requests are not read.
pub const HANDOFF_WAITING_MAX: usize = 4_096;
/// Requests handed to Python in one drain.
pub const HANDOFF_DRAIN_MAX: usize = 256;

const _: () = assert!(BATCH_BYTES_MAX_DEFAULT <= BATCH_BYTES_MAX);
const _: () = assert!(2 * JOURNAL_FILE_BYTES as usize <= TAIL_BYTES_MAX);
const _: () = assert!(COMMIT_BYTES_TARGET < JOURNAL_FILE_BYTES_FIRST as usize);
const _: () = assert!(COMMIT_BYTES_TARGET.is_multiple_of(JOURNAL_BLOCK_BYTES));
