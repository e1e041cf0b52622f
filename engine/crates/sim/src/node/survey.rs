//! A look at the disk while the node is down, without the node's own code for opening it: where the journal ends, what stands
//! behind its end, and where damage would be damage to something that is needed.

use std::path::{Path, PathBuf};

use io::{OpenMode, Rng, SplitMix, Storage};
use journal::commit::{Head, Header, head, whole};
use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use super::process::DATA;
use crate::disk::SimDisk;

/// A whole commit.
struct Commit {
    header: Header,
    file: usize,
    position: usize,
    end: usize,
}

/// A shard's journal as it lies there.
pub(super) struct Survey {
    files: Vec<(PathBuf, Vec<u8>)>,
    commits: Vec<Commit>,
}

/// The leader epoch in a batch's header: no checksum covers it, and nothing that a reader is told depends on it.
const EPOCH_AT: std::ops::Range<u64> = 12..16;

/// A byte of a file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub path: PathBuf,
    pub position: u64,
}

pub(super) fn read(disk: &SimDisk, path: &Path) -> Vec<u8> {
    let Ok(file) = disk.open(path, OpenMode::Read) else { return Vec::new() };
    let len = file.len().expect("a file that is open has a length");
    let mut bytes = vec![0; usize::try_from(len).expect("files are small")];
    let n = file.read_at(&mut bytes, 0).expect("the disk is well while the node is down");
    bytes.truncate(n);
    bytes
}

fn list(disk: &SimDisk, path: &Path) -> Vec<PathBuf> {
    disk.list(path).expect("the disk is well while the node is down")
}

impl Survey {
    pub fn of(disk: &SimDisk, shard: u16) -> Survey {
        let dir = Path::new(DATA).join("journal").join(shard.to_string());
        let files: Vec<_> = list(disk, &dir)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|name| name == "j"))
            .map(|path| {
                let bytes = read(disk, &path);
                (path, bytes)
            })
            .collect();
        let mut commits: Vec<Commit> = Vec::new();
        for (file, (_, bytes)) in files.iter().enumerate() {
            let mut position = 0;
            let mut first: Option<Header> = None;
            while let Some((header, _)) = bytes.get(position..).and_then(whole) {
                if first.is_some_and(|first| first.file_use != header.file_use) {
                    break;
                }
                first = Some(header);
                let end = position + (header.length as usize).next_multiple_of(BLOCK);
                commits.push(Commit { header, file, position, end });
                position = end;
            }
        }
        commits.sort_by_key(|commit| (commit.header.file_use, commit.position));
        Survey { files, commits }
    }

    fn behind_the_end(&self) -> Option<&[u8]> {
        let last = self.commits.last()?;
        self.files[last.file].1.get(last.end..last.end + BLOCK)
    }

    /// A commit was begun behind the last whole one, and not all of it reached the disk.
    pub fn is_torn(&self) -> bool {
        let Some(last) = self.commits.last() else { return false };
        let begun = |bytes: &[u8]| match head(bytes) {
            Head::Header(header) => header.number == last.header.number + 1,
            Head::Other | Head::Newer(_) => false,
        };
        self.behind_the_end().is_some_and(begun)
            || self.files.iter().any(|(_, bytes)| begun(bytes) && whole(bytes).is_none())
    }

    /// Bytes of an earlier use of the file stand where the journal will go on.
    pub fn goes_on_over_old_bytes(&self) -> bool {
        let Some(last) = self.commits.last() else { return false };
        self.behind_the_end().is_some_and(|bytes| match head(bytes) {
            Head::Header(header) => header.file_use < last.header.file_use,
            Head::Newer(_) => false,
            Head::Other => bytes.iter().any(|byte| *byte != 0),
        })
    }

    /// A byte of a commit that recovery needs and that is not the last, if there is one.
    pub fn needed_byte(&self, rng: &mut SplitMix) -> Option<Place> {
        let last = self.commits.last()?;
        let needed: Vec<&Commit> = self
            .commits
            .iter()
            .filter(|commit| commit.header.file_use >= last.header.start)
            .filter(|commit| commit.header.number < last.header.number)
            .collect();
        let len = u64::try_from(needed.len()).expect("few");
        let commit = needed.get(rng.below(len.max(1)) as usize)?;
        let position = commit.position as u64 + rng.below((commit.end - commit.position) as u64);
        Some(Place { path: self.files[commit.file].0.clone(), position })
    }
}

/// A byte of a segment that is not a partition's newest, if there is one: all of it was written behind.
pub(super) fn segment_byte(disk: &SimDisk, rng: &mut SplitMix) -> Option<Place> {
    let mut closed = Vec::new();
    let topics = list(disk, &Path::new(DATA).join("topics"));
    for dir in topics.iter().flat_map(|topic| list(disk, topic)) {
        let mut segments = list(disk, &dir);
        segments.retain(|path| path.extension().is_some_and(|name| name == "log"));
        segments.pop();
        closed.extend(segments);
    }
    let path = closed.get(rng.below(closed.len().max(1) as u64) as usize)?.clone();
    let bytes = read(disk, &path);
    let mut starts = Vec::new();
    let mut at = 0;
    for (_, batch) in batch::split(&bytes).flatten() {
        starts.push((at, batch.len()));
        at += batch.len();
    }
    let (start, len) = *starts.get(rng.below(starts.len().max(1) as u64) as usize)?;
    let within = rng.below(len as u64);
    let within = if EPOCH_AT.contains(&within) { EPOCH_AT.end } else { within };
    Some(Place { position: start as u64 + within, path })
}
