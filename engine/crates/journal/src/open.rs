//! Opening a journal: find the chain of commits, make its end certain, replay it.
//!
//! The last whole commit may be readable and yet not durable (the process was killed before its sync, or the sync failed):
//! its same bytes are written again where they stand and synced, before anything is done that relies on them. The journal
//! goes on behind it under a new salt, over whatever a torn commit left there.

use std::io::{Error as IoError, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use io::{AlignedBuf, File, OpenMode, Rng, Storage};
use model::GroupId;
use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use crate::commit::{self, HEADER_BYTES, Head, Header, padded};
use crate::error::OpenError;
use crate::frame::Fields;
use crate::job::MakeFile;
use crate::journal::{Journal, Options, Place, Target};
use crate::memory::Memory;
use crate::record::{Record, UnknownKind};
use crate::ring::{FILES_MIN, Ring, RingFile, path_of};
use crate::rules::{Rule, off};
use crate::scan::{self, Found};

/// Who the records are replayed to, in the order in which they were made.
pub trait Replay {
    /// One record. An error says what contradicts what came before: it is damage or a bug, and the journal is not opened.
    fn replay(&mut self, at: Replayed, record: Record<'_>) -> Result<(), String>;

    /// Commits are missing between what was replayed and what follows. Only where [`Options::accept_loss`] says so.
    fn gap(&mut self, what: &str) {
        let _ = what;
    }

    /// All of it was replayed and is durable: only now may other files be touched because of it. True: something was given
    /// up, and the journal goes on in a fresh file.
    fn certain(&mut self, storage: &dyn Storage) -> Result<bool, OpenError> {
        let _ = storage;
        Ok(false)
    }
}

/// Where a replayed record stands.
#[derive(Clone, Copy, Debug)]
pub struct Replayed {
    /// The group that recorded it.
    pub group: GroupId,
    /// Where an Append's batch stands; of other records only the commit and the file use count.
    pub place: Place,
}

/// A file with the use that its first commit names.
pub(crate) struct Used {
    pub at: usize,
    pub file_use: u32,
    pub commits: Vec<Found>,
    /// Which commits have others missing before them.
    pub breaks: Vec<usize>,
}

impl Journal {
    /// Opens the journal in `options.dir`, making it if there is none, and replays it.
    ///
    /// Shape: reads every file that the last commit names as needed (at most all of them); writes the last commit again.
    pub fn open(
        storage: &Arc<dyn Storage>,
        options: &Options,
        rng: &mut dyn Rng,
        replay: &mut dyn Replay,
    ) -> Result<Journal, OpenError> {
        assert!(options.files_max >= FILES_MIN, "the checkpoint needs room to make room");
        let storage = &**storage;
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |error| OpenError::Io(path, error)
        };
        prepare(storage, &options.dir).map_err(failed(&options.dir))?;
        let mut opening = Opening { options, files: Vec::new(), bytes: AlignedBuf::zeroed(BLOCK) };
        opening.open_files(storage)?;
        let (used, damage) = opening.find_or_salvage()?;
        let mut memory = Memory::new(options.tail_bytes_max);
        let before = used.last().and_then(|used| used.commits.last()).map(|last| last.header.salt);
        let salt = loop {
            let salt = commit::next_salt(before, rng.next_u64());
            if salt > 1 && used.iter().all(|u| u.commits.iter().all(|c| c.header.salt != salt)) {
                break salt;
            }
        };
        let Some(newest) = used.last() else {
            if let Some(what) = &damage {
                replay.gap(what);
                replay.certain(storage)?;
                opening.make_next(storage)?;
            } else if opening.files.is_empty() {
                opening.make_next(storage)?;
            }
            let file = if damage.is_some() { opening.files.len() - 1 } else { 0 };
            let ring = Ring::new(options, opening.files, 1);
            let at = Target { file, file_use: 1, position: 0 };
            return Ok(Journal::resume(ring, at, 1, (salt, 0), memory));
        };
        let last = *newest.commits.last().expect("a used file has a commit");
        let early = off(Rule::RewriteBeforeFiles);
        if !early {
            opening.rewrite(newest.at, &last)?;
        }
        opening.replay(&used, damage.as_deref().unwrap_or_default(), replay, &mut memory)?;
        let afresh = replay.certain(storage)? || damage.is_some();
        if early {
            opening.rewrite(newest.at, &last)?;
        }
        for used in &used {
            opening.files[used.at].file_use = Some(used.file_use);
        }
        let mut at = Target { file: newest.at, file_use: newest.file_use, position: last.end() as u64 };
        let mut start = last.header.start;
        if afresh {
            opening.make_next(storage)?;
            at = Target { file: opening.files.len() - 1, file_use: newest.file_use + 1, position: 0 };
            start = used[0].file_use;
        }
        let ring = Ring::new(options, opening.files, start);
        let (number, salts) = (last.header.number + 1, (salt, last.header.salt));
        Ok(Journal::resume(ring, at, number, salts, memory))
    }
}

/// The directory, with its name and its parents' durable.
fn prepare(storage: &dyn Storage, dir: &Path) -> IoResult<()> {
    storage.create_dir_all(dir)?;
    storage.sync_dir(dir)?;
    for parent in dir.ancestors().skip(1).take(3).filter(|p| !p.as_os_str().is_empty()) {
        storage.sync_dir(parent)?;
    }
    Ok(())
}

pub(crate) struct Opening<'a> {
    options: &'a Options,
    pub files: Vec<RingFile>,
    /// The file read last, whole.
    bytes: AlignedBuf,
}

impl Opening<'_> {
    fn path(&self, at: usize) -> PathBuf {
        path_of(&self.options.dir, self.files[at].number)
    }

    fn io(&self, at: usize) -> impl FnOnce(IoError) -> OpenError + use<> {
        let path = self.path(at);
        move |error| OpenError::Io(path, error)
    }

    fn open_files(&mut self, storage: &dyn Storage) -> Result<(), OpenError> {
        let dir = &self.options.dir;
        let listed = storage.list(dir).map_err(|error| OpenError::Io(dir.clone(), error))?;
        for path in listed {
            let Some(number) = number_of(&path) else { continue };
            let open = || -> IoResult<(Arc<dyn File>, u64)> {
                let file = storage.open(&path, OpenMode::CreateDirect)?;
                let len = file.len()?;
                Ok((file, len))
            };
            let (file, len) = open().map_err(|error| OpenError::Io(path.clone(), error))?;
            let bytes = len / BLOCK as u64 * BLOCK as u64;
            // A file that was being made when the process ended, and never used: it is made again.
            if bytes >= self.options.file_bytes_first.min(8 * BLOCK as u64) {
                self.files.push(RingFile { number, file, bytes, file_use: None, busy: false });
            }
        }
        Ok(())
    }

    /// A file that is made at once: the very first one, small, so that the first commit need not wait, and the one that a
    /// journal with damage goes on in.
    fn make_next(&mut self, storage: &dyn Storage) -> Result<(), OpenError> {
        let number = self.files.iter().map(|file| file.number + 1).max().unwrap_or(0);
        let (path, bytes) = (path_of(&self.options.dir, number), self.options.file_bytes_first);
        let make = MakeFile { number, path: path.clone(), bytes, is_new: true };
        let file = make.make(storage).map_err(|error| OpenError::Io(path, error))?;
        self.files.push(RingFile { number, file, bytes, file_use: None, busy: false });
        Ok(())
    }

    /// What is there; and, if it is damaged and loss is accepted, what is wrong with it.
    fn find_or_salvage(&mut self) -> Result<(Vec<Used>, Option<String>), OpenError> {
        match self.find() {
            Ok(used) => Ok((used, None)),
            Err(OpenError::Rot(what)) if self.options.accept_loss => Ok((self.remains()?, Some(what))),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn read(&mut self, at: usize) -> Result<&[u8], OpenError> {
        let len = usize::try_from(self.files[at].bytes).expect("files fit into memory");
        if self.bytes.len() < len {
            self.bytes = AlignedBuf::zeroed(len);
        }
        let file = &self.files[at].file;
        io::storage::read_exact_at(&**file, &mut self.bytes[..len], 0).map_err(self.io(at))?;
        Ok(&self.bytes[..len])
    }

    /// The first block alone: `None` if the file was never used.
    pub(crate) fn first_block(&mut self, at: usize) -> Result<Option<Head>, OpenError> {
        let file = Arc::clone(&self.files[at].file);
        io::storage::read_exact_at(&*file, &mut self.bytes[..BLOCK], 0).map_err(self.io(at))?;
        let block = &self.bytes[..BLOCK];
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        match commit::head(block) {
            Head::Newer(format) => Err(OpenError::NewerFormat { path: self.path(at), format }),
            head => Ok(Some(head)),
        }
    }

    /// The files that count, oldest first, with their commits. None of them: a journal without a commit.
    fn find(&mut self) -> Result<Vec<Used>, OpenError> {
        let mut heads: Vec<(u32, usize)> = Vec::new();
        let mut headless: Vec<usize> = Vec::new();
        for at in 0..self.files.len() {
            let Some(head) = self.first_block(at)? else { continue };
            let whole = match head {
                Head::Header(_) => scan::first(self.read(at)?),
                Head::Other | Head::Newer(_) => None,
            };
            match whole {
                Some(header) => heads.push((header.file_use, at)),
                None => headless.push(at),
            }
        }
        heads.sort_unstable();
        let Some(&(newest_use, newest_at)) = heads.last() else {
            self.never_used(&headless)?;
            return Ok(Vec::new());
        };
        let newest = self.commits(newest_at)?;
        let last = newest.last().expect("its first commit is whole").header;
        self.nothing_behind(&headless, &last)?;
        let start = if off(Rule::StartMark) { 0 } else { last.start };
        let mut used = Vec::new();
        for &(file_use, at) in heads.iter().filter(|(file_use, _)| (start..newest_use).contains(file_use)) {
            used.push(Used { at, file_use, commits: self.commits(at)?, breaks: Vec::new() });
        }
        used.push(Used { at: newest_at, file_use: newest_use, commits: newest, breaks: Vec::new() });
        if !off(Rule::StartMark) && used[0].file_use > start {
            return Err(OpenError::rot(format!("file use {start} is needed and missing")));
        }
        connected(&used)?;
        Ok(used)
    }

    fn commits(&mut self, at: usize) -> Result<Vec<Found>, OpenError> {
        let path = self.path(at);
        scan::chain(self.read(at)?).map_err(|rot| {
            let scan::RotAt { broken, behind } = rot;
            OpenError::rot(format!(
                "{} at byte {broken}: not a whole commit, but a later one stands at byte {behind}",
                path.display()
            ))
        })
    }

    /// A file whose first commit is broken may be the newest one, begun and torn; then nothing whole stands behind.
    fn nothing_behind(&mut self, headless: &[usize], last: &Header) -> Result<(), OpenError> {
        for &at in headless {
            let path = self.path(at);
            if let Some(behind) = scan::later_use(self.read(at)?, last) {
                return Err(OpenError::rot(format!(
                    "{} at byte 0: not a whole commit, but a later one stands at byte {behind}",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    /// No file begins with a whole commit: the very first one was torn, so no other was ever made.
    fn never_used(&mut self, headless: &[usize]) -> Result<(), OpenError> {
        for &at in headless {
            let path = self.path(at);
            let bytes = self.read(at)?;
            if let Some(behind) = scan::behind_first(bytes) {
                return Err(OpenError::rot(format!(
                    "{} at byte 0: not a whole commit, but one stands at byte {behind}",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    fn rewrite(&mut self, at: usize, last: &Found) -> Result<(), OpenError> {
        if off(Rule::Rewrite) {
            return Ok(());
        }
        let len = last.end() - last.position;
        let mut blocks = AlignedBuf::zeroed(len);
        let file = Arc::clone(&self.files[at].file);
        io::storage::read_exact_at(&*file, &mut blocks[..len], last.position as u64).map_err(self.io(at))?;
        if !off(Rule::RewriteBytes) {
            file.write_at(&blocks[..len], last.position as u64).map_err(self.io(at))?;
        }
        file.sync_data().map_err(self.io(at))
    }

    fn replay(
        &mut self,
        used: &[Used],
        damage: &str,
        replay: &mut dyn Replay,
        memory: &mut Memory,
    ) -> Result<(), OpenError> {
        let all = used.iter().flat_map(|used| &used.commits);
        let bytes: usize = all.map(|found| found.end() - found.position).sum();
        let mut beyond_memory = bytes.saturating_sub(self.options.tail_bytes_max);
        if !damage.is_empty() {
            beyond_memory = usize::MAX; // memory holds commits without gaps
        }
        let accept_loss = self.options.accept_loss;
        for used in used {
            let path = self.path(used.at);
            let bytes = self.read(used.at)?;
            for (index, found) in used.commits.iter().enumerate() {
                if used.breaks.contains(&index) {
                    replay.gap(damage);
                }
                let blocks = &bytes[found.position..found.end()];
                if beyond_memory > 0 {
                    beyond_memory = beyond_memory.saturating_sub(blocks.len());
                } else {
                    let mut kept = memory.take(blocks.len());
                    kept[..blocks.len()].copy_from_slice(blocks);
                    let position = u32::try_from(found.position).expect("files stay below 4 GiB");
                    memory.keep(found.header.number, found.header.file_use, position, Arc::new(kept));
                }
                match replay_commit(found, blocks, replay) {
                    Ok(()) => {}
                    Err(Refused::Contradicts(what)) if accept_loss => replay.gap(&what),
                    Err(refused) => return Err(refused.explain(&path, found)),
                }
            }
        }
        Ok(())
    }
}

/// Why a commit that is whole was not replayed.
enum Refused {
    Unknown(UnknownKind),
    Contradicts(String),
}

impl Refused {
    fn explain(self, path: &Path, found: &Found) -> OpenError {
        match self {
            Refused::Unknown(kind) => {
                OpenError::NewerRecord { path: path.to_owned(), position: found.position as u64, kind }
            }
            Refused::Contradicts(what) => {
                OpenError::rot(format!("{} at byte {}: {what}", path.display(), found.position))
            }
        }
    }
}

fn replay_commit(found: &Found, blocks: &[u8], replay: &mut dyn Replay) -> Result<(), Refused> {
    let length = found.header.length as usize;
    let mut fields = Fields(&blocks[HEADER_BYTES..length]);
    while !fields.0.is_empty() {
        let malformed = |_| Refused::Contradicts("a record is malformed".to_owned());
        if let Some(kind) = UnknownKind::at_front(fields.0) {
            if !off(Rule::ReservedKinds) {
                return Err(Refused::Unknown(kind));
            }
            UnknownKind::skip(&mut fields).map_err(malformed)?;
            continue;
        }
        let (group, record) = Record::decode(&mut fields).map_err(malformed)?;
        let len = if let Record::Append { batch, .. } = &record { batch.len() } else { 0 };
        let position = found.position + length - fields.0.len() - len;
        let place = Place {
            commit: found.header.number,
            file_use: found.header.file_use,
            position: u32::try_from(position).expect("files stay below 4 GiB"),
            len: u32::try_from(len).expect("a commit is smaller"),
        };
        replay.replay(Replayed { group, place }, record).map_err(Refused::Contradicts)?;
    }
    Ok(())
}

/// Every file goes on where the one before it ends.
fn connected(used: &[Used]) -> Result<(), OpenError> {
    for pair in used.windows(2) {
        let last = pair[0].commits.last().expect("a used file has a commit");
        let next = &pair[1].commits[0].header;
        if pair[1].file_use != pair[0].file_use + 1 || !last.continued_by(next) {
            return Err(OpenError::rot(format!(
                "use {} of a file ends with commit {}, use {} begins with commit {}",
                pair[0].file_use, last.header.number, pair[1].file_use, next.number
            )));
        }
    }
    Ok(())
}

fn number_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_suffix(".j")?.parse().ok()
}

const _: () = assert!(HEADER_BYTES < BLOCK && padded(HEADER_BYTES) == BLOCK);
