//! One process over the simulated disk: the real journal and logs, and the jobs that they asked for.

use std::path::Path;
use std::sync::Arc;

use io::{Job, OpenMode, Rng, SplitMix, Storage};
use journal::commit::{self, Header};
use journal::record::{APPEND_BYTES, FRAME_BYTES};
use journal::{Commit, Committed, GroupMark, Journal, MakeFile, Marker, OpenError, Options};
use log::{LogDone, LogJob, Logs, SegmentLimits};
use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;
use model::{Epoch, GroupId, LogIndex, PartitionIndex, TopicId};

use super::oracle::{Group, Want};
use crate::disk::SimDisk;

pub(super) const JOURNAL_DIR: &str = "/data/journal/0";
pub(super) const TOPICS_DIR: &str = "/data/topics";
const FILE_BYTES: u64 = 12 * BLOCK as u64;
/// More than one record of an operation with everything around it.
const ROOM_BYTES: usize = 400;

fn no_producers(_: GroupId) -> Vec<u8> {
    Vec::new()
}

pub(super) struct World {
    pub disk: SimDisk,
    pub storage: Arc<dyn Storage>,
    pub journal: Journal,
    pub logs: Logs,
    pub rng: SplitMix,
    pub want: Want,
    /// As of the last acknowledged commit.
    pub acked: Want,
    /// As of the commit in flight.
    pub in_flight: Option<(Commit, Want)>,
    /// As of the commit that the run ended in: it may hold or not.
    pub maybe: Option<Want>,
    pub jobs: Vec<LogJob>,
    pub dones: Vec<LogDone>,
    pub making: Option<MakeFile>,
    /// What each group's leader has committed: it is never truncated.
    pub committed: std::collections::BTreeMap<GroupId, LogIndex>,
    pub next_group: u64,
    pub value: u64,
}

pub(super) fn options(tail_bytes_max: usize) -> Options {
    Options {
        dir: JOURNAL_DIR.into(),
        file_bytes_first: FILE_BYTES,
        file_bytes: FILE_BYTES,
        files_max: 3,
        tail_bytes_max,
        accept_loss: false,
    }
}

pub(super) fn open(disk: &SimDisk, rng: &mut SplitMix) -> Result<(Journal, Logs), OpenError> {
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let options = options([0, 4 * BLOCK, 1 << 20][usize::try_from(rng.below(3)).expect("small")]);
    Logs::open(&storage, &options, Path::new(TOPICS_DIR), rng, &mut ())
}

fn build(values: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = batch::Builder::new();
    for (n, value) in (0..).zip(values) {
        builder.push(1000 + n, None, Some(value), &[]);
    }
    builder.finish(batch::Codec::None)
}

impl World {
    pub fn new(disk: &SimDisk, mut rng: SplitMix, want: Want, next_group: u64) -> Result<World, OpenError> {
        let (journal, logs) = open(disk, &mut rng)?;
        Ok(World {
            disk: disk.clone(),
            storage: Arc::new(disk.clone()),
            journal,
            logs,
            value: rng.next_u64(),
            rng,
            acked: want.clone(),
            want,
            in_flight: None,
            maybe: None,
            jobs: Vec::new(),
            dones: Vec::new(),
            making: None,
            committed: std::collections::BTreeMap::new(),
            next_group,
        })
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.rng.below(n)
    }

    pub fn pick(&mut self) -> Option<GroupId> {
        let n = self.want.0.len() as u64;
        if n == 0 {
            return None;
        }
        let at = usize::try_from(self.rng.below(n)).expect("small");
        self.want.0.keys().nth(at).copied()
    }

    fn room(&mut self, group: GroupId, bytes: usize) -> bool {
        self.logs.get(group).expect("wanted").takes(&mut self.journal, bytes + 2 * ROOM_BYTES)
    }

    fn parts(&mut self, group: GroupId) -> (&mut Journal, &mut log::Log, &mut Group) {
        let log = self.logs.get_mut(group).expect("wanted");
        (&mut self.journal, log, self.want.0.get_mut(&group).expect("wanted"))
    }

    // ---- operations; each returns whether there was room for it

    pub fn create(&mut self) -> bool {
        if self.want.0.len() >= 3 || !self.journal.takes(&GroupMark::default(), ROOM_BYTES) {
            return self.want.0.len() >= 3;
        }
        let group = GroupId(self.next_group);
        self.next_group += 1;
        let log = self.logs.create(&mut self.journal, group, TopicId([7; 16]), PartitionIndex(0));
        log.configure(SegmentLimits { bytes: 9000, ms: i64::MAX });
        let made = Group { term: Epoch::NONE, ..Group::default() };
        self.want.0.insert(group, made);
        true
    }

    pub fn append(&mut self, group: GroupId) -> bool {
        let bytes = [20, 300, 3000, 9000][usize::try_from(self.below(4)).expect("small")];
        let bytes = usize::try_from(self.below(bytes)).expect("small");
        if !self.room(group, bytes + 200) {
            return false;
        }
        let mut values = Vec::new();
        for n in 0..1 + self.below(3) {
            self.value = self.value.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let mut value = SplitMix(self.value);
            let len = if n == 0 { bytes } else { 8 };
            values.push((0..len.div_ceil(8)).flat_map(|_| value.next_u64().to_le_bytes()).collect());
        }
        if self.below(2) == 0 {
            self.forge(&mut values);
        }
        let mut bytes = build(&values);
        let (journal, log, want) = self.parts(group);
        batch::stamp(&mut bytes, log.end(), want.term.max(Epoch(0)));
        let header = batch::Header::read(&bytes).expect("a built batch");
        log.append_batch(journal, &header, &bytes, &Vec::new);
        want.append(Arc::new(bytes));
        true
    }

    /// Makes the whole blocks of the first value look like commits, where they will stand in the journal.
    fn forge(&mut self, values: &mut [Vec<u8>]) {
        let bytes = build(values);
        let value = values[0].len();
        let Some(at) = bytes.windows(value.max(1)).position(|window| window == values[0]) else { return };
        let begins = self.journal.next_position() + (FRAME_BYTES + APPEND_BYTES + at) as u64;
        let mut from =
            usize::try_from(begins.next_multiple_of(BLOCK as u64) - begins).expect("below a block");
        let old = self.rng.below(3) == 0;
        while let Some(block) = values[0].get_mut(from..from + BLOCK) {
            if old {
                // A real one of the past, as a recycled block leaves it.
                let path = Path::new(JOURNAL_DIR).join(format!("{:04}.j", self.rng.below(3)));
                let position = self.rng.below(FILE_BYTES / BLOCK as u64) * BLOCK as u64;
                if let Ok(file) = self.storage.open(&path, OpenMode::Read) {
                    let _ = file.read_at(block, position); // the run may have ended
                }
            } else {
                // What a producer can guess: everything but the salt.
                let header = Header {
                    length: 64,
                    salt: 1,
                    previous_salt: 1,
                    number: self.journal.turn_commit() + 1,
                    file_use: self.journal.turn_file_use(),
                    start: self.journal.turn_file_use(),
                };
                commit::finish(block, &header);
            }
            from += BLOCK;
        }
    }

    pub fn elect(&mut self, group: GroupId) -> bool {
        if !self.room(group, 0) {
            return false;
        }
        let (journal, log, want) = self.parts(group);
        let epoch = Epoch(want.term.0.max(0) + 1);
        log.set_vote(journal, epoch, Some(1), &Vec::new);
        want.term = epoch;
        let marker = Marker::EpochStart { epoch, leader: 1 };
        log.append_marker(journal, marker.clone(), &Vec::new);
        want.marker(marker);
        true
    }

    pub fn truncate(&mut self, group: GroupId) -> bool {
        let committed = self.committed.get(&group).copied().unwrap_or_default();
        let want = &self.want.0[&group];
        let elements = want.elements.len();
        let first =
            want.elements.partition_point(|(index, offset, _)| *index < committed || *offset < want.start);
        if first == elements || !self.room(group, 0) {
            return first == elements;
        }
        let at = first + usize::try_from(self.below((elements - first) as u64)).expect("small");
        let (journal, log, want) = self.parts(group);
        let end = want.elements[at].0;
        log.truncate(journal, end, &Vec::new);
        want.truncate(at);
        self.elect(group)
    }

    pub fn raise_start(&mut self, group: GroupId) -> bool {
        let committed = self.committed.get(&group).copied().unwrap_or_default();
        let log = self.logs.get(group).expect("wanted");
        let durable = committed.min(log.durable_index());
        let start = log.start();
        if durable <= log.index_of(start) {
            return true;
        }
        let upto = log.offset_of(durable);
        if upto <= start || !log.takes_relief(&mut self.journal, 2 * ROOM_BYTES) {
            return upto <= start;
        }
        let n =
            1 + i64::try_from(self.below(u64::try_from(upto.0 - start.0).expect("positive"))).expect("small");
        let (journal, log, want) = self.parts(group);
        log.set_start(journal, start.plus(n), &Vec::new);
        want.start = start.plus(n);
        true
    }

    pub fn commit_index(&mut self, group: GroupId) {
        let durable = self.logs.get(group).expect("wanted").durable_index();
        let want = &self.want.0[&group];
        let ends = want.elements.iter().map(|(index, ..)| *index).chain([want.end]);
        let ends: Vec<LogIndex> = ends.filter(|end| *end <= durable).collect();
        if let Some(last) = ends.len().checked_sub(1) {
            let at = usize::try_from(self.below(last as u64 + 1)).expect("small");
            let committed = self.committed.entry(group).or_default();
            *committed = (*committed).max(ends[at]);
        }
    }

    pub fn remove(&mut self, group: GroupId) -> bool {
        if !self.journal.takes_relief(&GroupMark::default(), ROOM_BYTES) {
            return false;
        }
        self.logs.remove(&mut self.journal, group);
        self.want.0.remove(&group);
        self.committed.remove(&group);
        true
    }

    // ---- the background

    /// What a shard does at the end of a turn.
    pub fn end_turn(&mut self) {
        self.logs.checkpoint(&mut self.journal, &no_producers);
        while let Some(job) = self.logs.next_job(&self.journal, 20_000) {
            self.jobs.push(job);
        }
        if self.making.is_none() {
            self.making = self.journal.next_file();
        }
        if let Some(commit) = self.journal.seal() {
            self.in_flight = Some((commit, self.want.clone()));
        }
    }

    pub fn write_behind(&mut self, group: GroupId) {
        let sync = self.rng.below(3) > 0;
        let job = self.logs.write_behind(&self.journal, group, 20_000, sync);
        self.jobs.extend(job);
    }

    /// Finishes the commit in flight. `false`: the run ended in it.
    ///
    /// # Panics
    /// If a log counts an element as durable that is not in the acknowledged state.
    pub fn finish_commit(&mut self) -> bool {
        let finished = self.finish();
        for (group, acked) in &self.acked.0 {
            let (Some(log), Some(now)) = (self.logs.get(*group), self.want.0.get(group)) else { continue };
            let durable = acked.common(now);
            assert!(log.durable_index() <= durable, "group {} is durable to {durable:?} only", group.0);
        }
        finished
    }

    fn finish(&mut self) -> bool {
        let Some((commit, want)) = self.in_flight.take() else { return true };
        let done = commit.run(&*self.storage);
        if self.disk.ended() {
            // It may have reached the disk.
            self.maybe = Some(want);
            return false;
        }
        let committed: Committed = self.journal.committed(done).expect("the disk is well");
        self.logs.committed(&self.journal, &committed);
        self.journal.recycle(committed.groups);
        self.acked = want;
        true
    }

    /// Runs a job of the queue, not necessarily the first. `false`: the run ended in it.
    pub fn run_job(&mut self) -> bool {
        if let Some(make) = self.making.take_if(|_| self.rng.below(3) == 0 || self.jobs.is_empty()) {
            let made = make.run(&*self.storage);
            if !self.disk.ended() {
                self.journal.file_made(made);
            }
            return !self.disk.ended();
        }
        if !self.jobs.is_empty() {
            let at = usize::try_from(self.rng.below(self.jobs.len() as u64)).expect("small");
            let done = self.jobs.remove(at).run(&*self.storage);
            self.dones.push(done);
        }
        !self.disk.ended()
    }

    pub fn deliver(&mut self) -> Result<(), String> {
        if self.dones.is_empty() {
            return Ok(());
        }
        let at = usize::try_from(self.rng.below(self.dones.len() as u64)).expect("small");
        let done = self.dones.remove(at);
        let result = self.logs.job_done(&mut self.journal, done, &no_producers);
        result.map(|_| ()).map_err(|error| format!("a job on a good disk failed: {error}"))
    }
}
