//! The journal of one shard: a state machine over turns, commits and files. It does no I/O itself; see [`crate::job`].
//!
//! ```text
//! record* -> seal -> Commit (a worker writes and syncs) -> committed -> acknowledge
//! ```
//! One commit is in flight; what is recorded meanwhile is the next one. Duties of the caller: run every `Commit` that
//! `seal` returns and hand its result back; ask [`Journal::takes`] before recording; end the process on [`Fatal`].

use std::path::PathBuf;
use std::sync::Arc;

use model::GroupId;
use model::limits::{COMMIT_BYTES_TARGET, JOURNAL_BLOCK_BYTES as BLOCK};

use crate::bytes::Bytes;
use crate::checksum::{KNOWN_BYTES_MIN, Known};
use crate::commit::{self, HEADER_BYTES, Header, padded};
use crate::error::Fatal;
use crate::job::{Cold, ColdRead, Commit, CommitDone, FileMade, MakeFile};
use crate::memory::Memory;
use crate::record::{APPEND_BYTES, FRAME_BYTES, Record};
use crate::ring::Ring;
use crate::rules::{Rule, off};
use crate::state::State;
use crate::turn::Turn;

/// A turn is full a little before its buffer is, so that the batch that fills it does not make the buffer grow.
const TURN_BYTES_TARGET: usize = COMMIT_BYTES_TARGET / 8 * 7;
/// One in so many files is left closed.
const LEFT_SHARE: usize = 8;
/// One in so many bytes of what is kept for the checkpoint may go to what makes room.
const RELIEF_SHARE: u64 = 4;

/// How a journal is laid out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its directory.
    pub dir: PathBuf,
    /// Bytes of the first file; whole blocks.
    pub file_bytes_first: u64,
    /// Bytes of a full-grown file; whole blocks.
    pub file_bytes: u64,
    /// Files at most; at least 3.
    pub files_max: usize,
    /// Bytes of recent commits kept in memory.
    pub tail_bytes_max: usize,
    /// A damaged journal is opened with what can be proven instead of being refused.
    pub accept_loss: bool,
}

/// Where bytes stand in the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The commit they are part of.
    pub commit: u64,
    /// The use of the file that the commit stands in.
    pub file_use: u32,
    /// Byte in that file.
    pub position: u32,
    /// How many.
    pub len: u32,
}

/// What the journal remembers about a group; the group keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GroupMark {
    /// The file use that its newest State stands in; 0 for none.
    pub file_use: u32,
    /// The last commit that it recorded something in.
    pub commit: u64,
    /// Bytes of its last State: what the next one may take.
    pub state_bytes: u32,
}

/// A commit is durable.
#[derive(Debug)]
pub struct Committed {
    /// Its number: everything recorded under this number or a smaller one holds.
    pub number: u64,
    /// Groups that recorded something in it, each once.
    pub groups: Vec<GroupId>,
}

/// Where the next commit will stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    /// Place in the ring.
    pub file: usize,
    pub file_use: u32,
    pub position: u64,
}

struct InFlight {
    number: u64,
    groups: Vec<GroupId>,
    start: u32,
}

/// A turn's buffer: no larger than the largest file, so that a small journal (a test's) costs little memory.
fn turn_buffer_bytes(ring: &Ring) -> usize {
    let largest = ring.files.iter().map(|file| file.bytes).max().expect("a journal has a file");
    usize::try_from(largest).map_or(COMMIT_BYTES_TARGET, |bytes| bytes.min(COMMIT_BYTES_TARGET))
}

/// See the module.
pub struct Journal {
    ring: Ring,
    /// Behind the last sealed commit.
    at: Target,
    /// Where the current turn goes; differs from `at` when it begins a new file.
    target: Target,
    turn: Turn,
    salt: u64,
    previous_salt: u64,
    /// Number of the commit that the current turn will be.
    number: u64,
    in_flight: Option<InFlight>,
    /// The oldest use that will be needed once the current turn is durable.
    start: u32,
    memory: Memory,
    /// Recycled list of groups.
    groups: Vec<GroupId>,
    leaves_none: bool,
}

impl Journal {
    /// A journal that goes on at `at` with commit `number`.
    pub(crate) fn resume(
        ring: Ring,
        at: Target,
        number: u64,
        salts: (u64, u64),
        mut memory: Memory,
    ) -> Journal {
        let start = ring.start;
        let turn = Turn::new(memory.take(turn_buffer_bytes(&ring)));
        let (salt, previous_salt) = salts;
        let mut journal = Journal {
            ring,
            at,
            target: at,
            turn,
            salt,
            previous_salt,
            number,
            in_flight: None,
            start,
            memory,
            groups: Vec::new(),
            leaves_none: false,
        };
        journal.aim(0);
        journal
    }

    /// Bytes that one turn should take from a file: small files make smaller turns.
    fn turn_bytes(&self, file: usize) -> u64 {
        (self.ring.files[file].bytes / 4).min(TURN_BYTES_TARGET as u64)
    }

    /// Decides, before the first record, which file the turn goes to: one with room for two whole turns and `bytes`.
    fn aim(&mut self, bytes: u64) {
        debug_assert!(self.turn.is_empty(), "records know their places");
        self.target = self.at;
        let remaining = self.ring.files[self.at.file].bytes - self.at.position;
        if remaining >= (2 * self.turn_bytes(self.at.file)).max(bytes) {
            return;
        }
        if let Some(file) = self.ring.pick(self.at.file, bytes) {
            self.target = Target { file, file_use: self.at.file_use + 1, position: 0 };
        }
    }

    /// Bytes that the rest of the target file can take from this turn.
    fn remaining(&self) -> u64 {
        // A full file has not even room for the header.
        (self.ring.files[self.target.file].bytes - self.target.position).saturating_sub(self.turn.len as u64)
    }

    /// Bytes at the end of the target file that only the checkpoint may fill.
    fn reserve(&self) -> u64 {
        let (file, bytes) = (self.target.file, self.ring.files[self.target.file].bytes);
        let spares = self.ring.spares(self.at.file).filter(|at| *at != file).count();
        match spares {
            _ if off(Rule::Reserve) => 0,
            0 if self.ring.may_grow() => bytes / 4, // the next file is being made
            0 => bytes,                             // the last free file is the checkpoint's alone
            _ => 0,
        }
    }

    /// Bytes that an ordinary turn may still take; 0 when callers must wait. Records that change what was promised
    /// earlier (votes, removals, checkpoint) may go a little beyond.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room_above(self.reserve())
    }

    /// What [`room`](Self::room) of an empty turn comes to sooner or later, whatever is left of the file in use: who waits for
    /// more may wait for ever.
    #[must_use]
    pub fn room_of_a_turn(&self) -> usize {
        usize::try_from(self.turn_bytes(self.target.file)).expect("a turn fits into memory")
    }

    fn room_above(&self, reserve: u64) -> usize {
        // A turn that began may be filled by one more batch of any size, so that a large one never starves.
        if self.turn.len as u64 >= self.turn_bytes(self.target.file) {
            return 0;
        }
        usize::try_from(self.remaining().saturating_sub(reserve)).expect("files fit into memory")
    }

    /// Whether a record with `bytes` of payload can be made now by the group with this mark. `false`: wait for
    /// [`committed`](Self::committed) or [`file_made`](Self::file_made); the journal remembers what size was wanted.
    pub fn takes(&mut self, mark: &GroupMark, bytes: usize) -> bool {
        let needed = self.needed(mark, bytes);
        if needed <= self.room() {
            return true;
        }
        if self.turn.is_empty() {
            self.aim(needed as u64 + HEADER_BYTES as u64);
            if needed <= self.room() {
                return true;
            }
            if self.turn_bytes(self.target.file) > 0 && needed as u64 > self.largest_file() / 2 {
                self.ring.want(2 * needed as u64);
            }
        }
        false
    }

    /// As [`takes`](Self::takes), for what makes room (log starts, removals): a journal that is full because the disk is would
    /// else stay full. It may take a part of what is kept for the checkpoint.
    pub fn takes_relief(&mut self, mark: &GroupMark, bytes: usize) -> bool {
        if self.takes(mark, bytes) {
            return true;
        }
        if self.turn.is_empty() {
            self.aim(0);
        }
        let reserve = self.reserve();
        self.needed(mark, bytes) <= self.room_above(reserve - reserve / RELIEF_SHARE)
    }

    /// As [`takes`](Self::takes), for the checkpoint, which may use the last free file.
    pub fn takes_reserved(&mut self, mark: &GroupMark, bytes: usize) -> bool {
        if self.turn.is_empty() {
            self.aim(0);
        }
        self.needed(mark, bytes) <= self.room_above(0)
    }

    /// As [`takes_reserved`](Self::takes_reserved), for a note of a few bytes, which a full turn takes too: where producers
    /// fill every turn, none would ever have room.
    pub fn takes_note(&mut self, mark: &GroupMark, bytes: usize) -> bool {
        self.takes_reserved(mark, bytes) || self.needed(mark, bytes) as u64 <= self.remaining()
    }

    fn needed(&self, mark: &GroupMark, bytes: usize) -> usize {
        // A State may have grown since it was last written.
        let new = mark.file_use != self.target.file_use;
        let state = if new { 2 * mark.state_bytes as usize + FRAME_BYTES + 256 } else { 0 };
        state + FRAME_BYTES + APPEND_BYTES + bytes
    }

    fn largest_file(&self) -> u64 {
        self.ring.files.iter().map(|file| file.bytes).max().expect("a journal has a file")
    }

    /// How full the journal is, in percent of the files it may have: callers slow down from 75.
    #[must_use]
    pub fn pressure(&self) -> u32 {
        let free = self.ring.spares(self.at.file).count();
        let all = self.ring.files.len().max(2);
        if self.ring.may_grow() { 0 } else { u32::try_from((all - free) * 100 / all).expect("at most 100") }
    }

    /// Records something of a group; its State first, when the group is new in this file.
    ///
    /// # Panics
    /// If the file has no room: the caller did not ask.
    pub fn record(
        &mut self,
        group: GroupId,
        mark: &mut GroupMark,
        state: &dyn Fn() -> State,
        record: &Record<'_>,
    ) -> Place {
        if mark.file_use != self.target.file_use {
            if !matches!(record, Record::Create { .. }) && !off(Rule::StateFirst) {
                let state = Record::State(Box::new(state()));
                mark.state_bytes = u32::try_from(state.encoded_len()).expect("a State is small");
                self.put(group, &state);
            }
            mark.file_use = self.target.file_use;
        }
        if mark.commit != self.number {
            mark.commit = self.number;
            self.turn.groups.push(group);
        }
        self.turn.awaited |= !matches!(record, Record::Flushed { .. });
        let end = self.put(group, record);
        let len = if let Record::Append { batch, .. } = record { batch.len() } else { 0 };
        Place {
            commit: self.number,
            file_use: self.target.file_use,
            position: u32::try_from(self.target.position as usize + end - len)
                .expect("files stay below 4 GiB"),
            len: u32::try_from(len).expect("batches are far smaller"),
        }
    }

    /// Makes sure that the group's State stands in the current file: what the checkpoint asks of groups that are idle.
    pub fn carry_state(&mut self, group: GroupId, mark: &mut GroupMark, state: State) {
        if mark.file_use != self.target.file_use {
            let state = Record::State(Box::new(state));
            mark.state_bytes = u32::try_from(state.encoded_len()).expect("a State is small");
            mark.file_use = self.target.file_use;
            self.put(group, &state);
        }
    }

    /// What was recorded at a place of the current turn, to be stamped before it is sealed.
    ///
    /// # Panics
    /// If the place is not in the current turn.
    pub fn turn_bytes_mut(&mut self, place: Place) -> &mut [u8] {
        assert_eq!(place.commit, self.number, "what is sealed is not changed");
        let start = (u64::from(place.position) - self.target.position) as usize;
        &mut self.turn.buf[start..start + place.len as usize]
    }

    /// The CRC32C of a place of the current turn from its byte `from` on, if the caller knows it: else the commit's checksum
    /// would go over the same bytes once more. They must not change any more, and places are told in their order.
    pub fn knows(&mut self, place: Place, from: usize, crc: u32) {
        debug_assert_eq!(place.commit, self.number, "what is sealed has its checksum");
        if place.len as usize >= KNOWN_BYTES_MIN {
            let start = (u64::from(place.position) - self.target.position) as usize;
            self.turn.known.push(Known { start: start + from, end: start + place.len as usize, crc });
        }
    }

    fn put(&mut self, group: GroupId, record: &Record<'_>) -> usize {
        let end = self.turn.put(group, record, &mut self.memory);
        let room = self.ring.files[self.target.file].bytes - self.target.position;
        assert!(padded(end) as u64 <= room, "callers ask for room before they record");
        end
    }

    /// Number of the commit that the current turn will be part of.
    #[must_use]
    pub fn turn_commit(&self) -> u64 {
        self.number
    }

    /// The file use that the current turn goes to.
    #[must_use]
    pub fn turn_file_use(&self) -> u32 {
        self.target.file_use
    }

    /// Where in its file the next record will begin: for tests that forge commits in payloads.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn next_position(&self) -> u64 {
        self.target.position + self.turn.len as u64
    }

    /// The last record of a journal that is closed in order.
    pub fn close(&mut self) {
        self.put(GroupId(0), &Record::Close);
    }

    /// Ends the turn. `None`: nothing was recorded, or a commit is in flight.
    pub fn seal(&mut self) -> Option<Commit> {
        if self.in_flight.is_some() {
            return None;
        }
        if self.turn.is_empty() {
            self.aim(0);
            if self.start <= self.ring.start || self.room_above(0) == 0 {
                return None;
            }
        }
        let (number, target, len) = (self.number, self.target, padded(self.turn.len));
        let header = Header {
            length: u32::try_from(self.turn.len).expect("commits are far below 4 GiB"),
            salt: if off(Rule::Salt) { 1 } else { self.salt },
            previous_salt: if off(Rule::Salt) { 1 } else { self.previous_salt },
            number,
            file_use: target.file_use,
            start: self.start,
        };
        let used = self.turn.len;
        self.turn.buf[used..len].fill(0);
        commit::finish_knowing(&mut self.turn.buf[..len], &header, &self.turn.known);
        self.turn.known.clear();
        let blocks = Arc::new(self.take_blocks(len));
        let position = u32::try_from(target.position).expect("files stay below 4 GiB");
        self.memory.keep(number, target.file_use, position, Arc::clone(&blocks));
        let groups = std::mem::replace(&mut self.turn.groups, std::mem::take(&mut self.groups));
        self.in_flight = Some(InFlight { number, groups, start: self.start });
        self.turn.len = HEADER_BYTES;
        self.turn.awaited = false;
        let file = &mut self.ring.files[target.file];
        file.file_use = Some(target.file_use);
        let file = Arc::clone(&file.file);
        self.at = Target { position: target.position + len as u64, ..target };
        self.number += 1;
        self.aim(0);
        Some(Commit { number, file, position: target.position, blocks, len })
    }

    /// The sealed blocks in a buffer of their own size: a small commit is copied, a large one keeps the turn's buffer.
    fn take_blocks(&mut self, len: usize) -> io::AlignedBuf {
        if 2 * len <= self.turn.buf.len() {
            let mut blocks = self.memory.take(len);
            blocks[..len].copy_from_slice(&self.turn.buf[..len]);
            if self.turn.buf.len() > 2 * COMMIT_BYTES_TARGET {
                self.turn.buf = self.memory.take(turn_buffer_bytes(&self.ring));
            }
            return blocks;
        }
        let fresh = self.memory.take(turn_buffer_bytes(&self.ring));
        std::mem::replace(&mut self.turn.buf, fresh)
    }

    /// A commit came back. An error is the end: nothing more may be acknowledged.
    pub fn committed(&mut self, done: CommitDone) -> Result<Committed, Fatal> {
        let sealed = self.in_flight.take().expect("one commit is in flight when one comes back");
        assert_eq!(sealed.number, done.number, "commits come back in order");
        done.result.map_err(|error| Fatal { what: "the journal cannot be written", error })?;
        self.ring.start = self.ring.start.max(sealed.start);
        Ok(Committed { number: sealed.number, groups: sealed.groups })
    }

    /// Takes the list of a [`Committed`] back, to be filled again.
    pub fn recycle(&mut self, mut groups: Vec<GroupId>) {
        groups.clear();
        self.groups = groups;
    }

    /// Whether a commit is durable.
    #[must_use]
    pub fn is_durable(&self, commit: u64) -> bool {
        commit < self.in_flight.as_ref().map_or(self.number, |sealed| sealed.number)
    }

    /// Whether a commit is in flight.
    #[must_use]
    pub fn is_committing(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Whether something was recorded that is not sealed.
    #[must_use]
    pub fn has_turn(&self) -> bool {
        !self.turn.is_empty() || self.start > self.ring.start
    }

    /// Whether the turn holds more than the checkpoint's own notes, for which nobody waits.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.turn.awaited
    }

    /// Bytes at a place, if they are in memory.
    #[must_use]
    pub fn bytes(&self, place: Place) -> Option<Bytes> {
        if place.commit == self.number {
            // Still in the turn, which will move: a copy. Only a leader's followers read this early.
            let start = (u64::from(place.position) - self.target.position) as usize;
            return Some(Bytes::from(self.turn.buf[start..start + place.len as usize].to_vec()));
        }
        self.memory.bytes(place)
    }

    /// Whether the file that the place stands in still is what it was.
    #[must_use]
    pub fn holds(&self, place: Place) -> bool {
        place.file_use >= self.ring.start
    }

    /// A job that reads a place from its file; `None` if the file was freed.
    #[must_use]
    pub fn cold(&self, place: Place) -> Option<ColdRead> {
        if !self.holds(place) {
            return None;
        }
        let file = self.ring.files.iter().find(|file| file.file_use == Some(place.file_use))?;
        Some(ColdRead { file: Arc::clone(&file.file), place })
    }

    /// What a cold read brought; `None` if the file was freed meanwhile: the bytes may be another commit's by now.
    pub fn cold_done(&self, cold: Cold) -> Option<std::io::Result<Bytes>> {
        self.holds(cold.place).then_some(cold.result)
    }

    /// The oldest file use, if it is closed and the checkpoint should work on freeing it: where there is room, a few closed
    /// ones are left, so that what is in them is synced elsewhere in one go.
    #[must_use]
    pub fn to_free(&self) -> Option<u32> {
        let closed = self.at.file_use.min(self.target.file_use).saturating_sub(self.start);
        let left = if self.leaves_none { 0 } else { self.ring.files_to_have() / LEFT_SHARE };
        (closed as usize > left && self.start == self.ring.start).then_some(self.start)
    }

    /// Whether the checkpoint should free every closed file.
    pub fn leave_none(&mut self, none: bool) {
        self.leaves_none = none;
    }

    /// Everything in `file_use` and before is flushed, and every group has a newer State. Takes effect when the current
    /// turn is durable.
    pub fn free_through(&mut self, file_use: u32) {
        assert!(file_use < self.target.file_use, "the file in use is not freed");
        self.start = self.start.max(file_use + 1);
        if off(Rule::FreeAfterCommit) {
            self.ring.start = self.start;
        }
    }

    /// A file to make in the background, if one is due.
    pub fn next_file(&mut self) -> Option<MakeFile> {
        self.ring.next_job(self.at.file, self.target.file)
    }

    /// A file was made. A failure is not fatal: appends wait for the checkpoint earlier.
    pub fn file_made(&mut self, made: FileMade) {
        self.ring.made(made.number, made.result);
        if self.turn.is_empty() {
            self.aim(0);
        }
    }

    /// How near a commit's bytes are to leaving memory, in percent: at 100 they would have to be read from the file.
    #[must_use]
    pub fn age_percent(&self, commit: u64) -> u64 {
        self.memory.age_percent(commit)
    }

    /// Bytes of commit buffers in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory.held_bytes()
    }

    /// One line about files and room, for a person who looks for what is stuck.
    #[must_use]
    pub fn describe(&self) -> String {
        let files: Vec<String> =
            self.ring.files.iter().map(|f| format!("{}:{:?}/{}", f.number, f.file_use, f.bytes)).collect();
        format!(
            "files {} at {:?} target {:?} start {} durable start {} turn {} room {} commit {}{}",
            files.join(" "),
            self.at,
            self.target,
            self.start,
            self.ring.start,
            self.turn.len,
            self.room(),
            self.number,
            if self.in_flight.is_some() { " in flight" } else { "" },
        )
    }

    /// Blocks left in the file in use.
    #[must_use]
    pub fn blocks_left(&self) -> u64 {
        (self.ring.files[self.at.file].bytes - self.at.position) / BLOCK as u64
    }
}
