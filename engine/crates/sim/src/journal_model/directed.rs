//! Rules that no search can miss, because today's code never makes the situation: each has one of its own.

use std::path::Path;
use std::sync::Arc;

use batch::{Builder, Codec, Header};
use io::{Job, OpenMode, SplitMix, Storage};
use journal::commit::{self, HEADER_BYTES};
use journal::frame::Sink;
use journal::record::Kind;
use journal::rules::Rule;
use journal::{Flushed, GroupMark, Journal, OpenError, Record, Replay, Replayed, State};
use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;
use model::{Epoch, GroupId, LogIndex, Offset, PartitionIndex, TopicId};

use super::world::{JOURNAL_DIR, open, options};
use crate::disk::SimDisk;

const GROUP: GroupId = GroupId(1);

/// A directed test: its name, the rule that it switches off, and the situation. An error says what was violated.
pub struct Directed {
    /// As the command line prints it.
    pub name: &'static str,
    /// The rule that its fault is a lack of.
    pub rule: Rule,
    /// Plays it.
    pub play: fn() -> Result<(), String>,
}

/// All of them. Four are rules about records that are only reserved: until there is code that writes them, what can go
/// wrong is that a newer version's journal is misread.
pub const DIRECTED: [Directed; 5] = [
    Directed { name: "largest-mark", rule: Rule::LargestMark, play: the_mark_never_falls },
    Directed { name: "carry-stale", rule: Rule::ReservedKinds, play: a_carried_tail_is_refused },
    Directed { name: "carry-mark-only", rule: Rule::ReservedKinds, play: a_carried_mark_is_refused },
    Directed { name: "range-cut", rule: Rule::ReservedKinds, play: a_large_append_is_refused },
    Directed {
        name: "range-parallel",
        rule: Rule::ReservedKinds,
        play: a_large_append_after_others_is_refused,
    },
];

struct Nothing;

impl Replay for Nothing {
    fn replay(&mut self, _: Replayed, _: Record<'_>) -> Result<(), String> {
        Ok(())
    }
}

/// A journal with one commit that makes a group, appends one-record batches and records marks.
fn journal_of(disk: &SimDisk, batches: i64, marks: &[u64]) {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let opened = Journal::open(&storage, &options(0), &mut SplitMix(7), &mut Nothing);
    let (mut journal, mut mark) = (opened.expect("an empty disk"), GroupMark::default());
    let mut record = |record: &Record<'_>| {
        journal.record(GROUP, &mut mark, &State::default, record);
    };
    record(&Record::Create { topic: TopicId([7; 16]), partition: PartitionIndex(0) });
    let mut bytes = 0;
    for offset in 0..batches {
        let mut builder = Builder::new();
        builder.push(1000, None, Some(b"value"), &[]);
        let mut batch = builder.finish(Codec::None);
        batch::stamp(&mut batch, Offset(offset), Epoch(0));
        bytes = Header::read(&batch).expect("a built batch").total_bytes() as u64;
        let first = LogIndex(offset.unsigned_abs());
        record(&Record::Append { first, rolls: offset == 0, batch: &batch });
    }
    for index in marks {
        let mark = Flushed { index: LogIndex(*index), segment: Offset(0), position: Some(index * bytes) };
        record(&Record::Flushed { mark, segment_bytes: batches.unsigned_abs() * bytes });
    }
    let done = journal.seal().expect("records").run(disk);
    journal.committed(done).expect("a good disk");
}

fn the_mark_never_falls() -> Result<(), String> {
    let disk = SimDisk::default();
    journal_of(&disk, 3, &[2, 1]);
    let (_, logs) = open(&disk, &mut SplitMix(8)).map_err(|error| error.to_string())?;
    let found = logs.get(GROUP).expect("it was made").flushed_index();
    if found == LogIndex(2) { Ok(()) } else { Err(format!("the flushed mark fell from 2 to {}", found.0)) }
}

fn a_carried_tail_is_refused() -> Result<(), String> {
    is_refused(Kind::Carry, &[0; 40], "11 (a carried tail)", 0)
}

fn a_carried_mark_is_refused() -> Result<(), String> {
    is_refused(Kind::Carry, &[], "11 (a carried tail)", 0)
}

fn a_large_append_is_refused() -> Result<(), String> {
    is_refused(Kind::Large, &[0; 24], "12 (a large append)", 0)
}

fn a_large_append_after_others_is_refused() -> Result<(), String> {
    is_refused(Kind::Large, &[0; 24], "12 (a large append)", 2)
}

/// Writes a commit that holds a record of `kind`, after others that can be read.
fn is_refused(kind: Kind, body: &[u8], called: &str, batches: i64) -> Result<(), String> {
    let disk = SimDisk::default();
    journal_of(&disk, batches, &[]);
    let path = Path::new(JOURNAL_DIR).join("0000.j");
    let file = disk.open(&path, OpenMode::ReadWrite).expect("the journal's first file");
    let mut last = vec![0; BLOCK];
    file.read_at(&mut last, 0).expect("readable");
    let commit::Head::Header(last) = commit::head(&last) else { panic!("a commit begins the file") };
    let mut record: Vec<u8> = Vec::new();
    record.count(body.len());
    record.u8(kind as u8);
    record.u64(GROUP.0);
    record.put(body);
    let mut block = vec![0; BLOCK];
    block[HEADER_BYTES..HEADER_BYTES + record.len()].copy_from_slice(&record);
    let length = u32::try_from(HEADER_BYTES + record.len()).expect("small");
    commit::finish(&mut block, &commit::Header { length, number: last.number + 1, ..last });
    file.write_at(&block, BLOCK as u64).expect("a good disk");
    match open(&disk, &mut SplitMix(8)) {
        Err(error @ OpenError::NewerRecord { .. }) => {
            let wanted = format!(
                "{} at byte {BLOCK}: a record of kind {called}, which this version does not write, so a newer version did",
                path.display()
            );
            if error.to_string() == wanted { Ok(()) } else { Err(format!("{error}, not: {wanted}")) }
        }
        Err(error) => Err(format!("a record of kind {called} was taken for damage: {error}")),
        Ok(_) => Err(format!("a record of kind {called} was skipped")),
    }
}
