//! The journal's files: made once, used in turn, for ever.
//!
//! Every change of files is a new *use*; a file is free when its use lies before the durable start mark. The last free file
//! belongs to the checkpoint, which needs room to make room.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use io::File;

use crate::job::MakeFile;
use crate::journal::Options;

/// One file in use, one closed, one for the checkpoint.
pub(crate) const FILES_MIN: usize = 3;

pub(crate) struct RingFile {
    pub number: u32,
    pub file: Arc<dyn File>,
    pub bytes: u64,
    /// The newest use; `None` if it was never used.
    pub file_use: Option<u32>,
    /// It is being made larger.
    pub busy: bool,
}

pub(crate) struct Ring {
    pub files: Vec<RingFile>,
    /// The oldest use that recovery needs, as the last durable commit says.
    pub start: u32,
    dir: PathBuf,
    first_bytes: u64,
    full_bytes: u64,
    files_max: usize,
    making: bool,
    /// The disk is full (or a file could not be made): live with what there is.
    grown: bool,
    /// The largest single need that was turned away.
    wanted_bytes: u64,
}

pub(crate) fn path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:04}.j"))
}

impl Ring {
    pub fn new(options: &Options, files: Vec<RingFile>, start: u32) -> Ring {
        Ring {
            files,
            start,
            dir: options.dir.clone(),
            first_bytes: options.file_bytes_first,
            full_bytes: options.file_bytes.max(options.file_bytes_first),
            files_max: options.files_max,
            making: false,
            grown: false,
            wanted_bytes: 0,
        }
    }

    pub fn is_free(&self, file: &RingFile) -> bool {
        !file.busy && file.file_use.is_none_or(|file_use| file_use < self.start)
    }

    /// Free files apart from the one in use, by their place.
    pub fn spares(&self, current: usize) -> impl Iterator<Item = usize> {
        (0..self.files.len()).filter(move |at| *at != current && self.is_free(&self.files[*at]))
    }

    /// The spare to use next for a turn that needs `bytes`: the smallest that is large enough.
    pub fn pick(&self, current: usize, bytes: u64) -> Option<usize> {
        let fits = self.spares(current).filter(|at| self.files[*at].bytes >= bytes);
        fits.min_by_key(|at| (self.files[*at].bytes, self.files[*at].number))
    }

    /// Whether more files can still be made.
    pub fn may_grow(&self) -> bool {
        !self.grown && self.files.len() < self.files_max
    }

    /// Files that there will be if they are needed.
    pub fn files_to_have(&self) -> usize {
        if self.may_grow() { self.files_max } else { self.files.len() }
    }

    /// Some turn needs a file of this size.
    pub fn want(&mut self, bytes: u64) {
        self.wanted_bytes = self.wanted_bytes.max(bytes.next_multiple_of(1 << 16));
    }

    fn size_of_next(&self) -> u64 {
        let doubled = self.first_bytes << self.files.len().min(16);
        doubled.min(self.full_bytes).max(self.wanted_bytes)
    }

    /// A file to make now, in the background: when fewer than two spares are left, or when a spare is too small. `target` is
    /// where the turn goes: free until the turn is sealed, and no spare.
    pub fn next_job(&mut self, current: usize, target: usize) -> Option<MakeFile> {
        if self.making {
            return None;
        }
        let spares = self.spares(current).count();
        // A disk that was full may have room again: asked for when nothing else gives room.
        let needed = spares == 0 || self.files.len() < FILES_MIN;
        let starved = needed && self.files.len() < self.files_max;
        if starved || self.may_grow() && (spares < 2 || self.wanted_bytes > 0) {
            let number =
                (0..).find(|n| self.files.iter().all(|file| file.number != *n)).expect("numbers are many");
            self.making = true;
            let (path, bytes) = (path_of(&self.dir, number), self.size_of_next());
            return Some(MakeFile { number, path, bytes, is_new: true });
        }
        // All files are made: small ones grow while they are free and others can do the work.
        let full = self.full_bytes.max(self.wanted_bytes);
        if spares < 3 && self.wanted_bytes == 0 || spares < 2 || self.grown && self.wanted_bytes == 0 {
            return None;
        }
        let small = |at: &usize| *at != target && self.files[*at].bytes < full;
        let small = self.spares(current).find(small)?;
        let small = &mut self.files[small];
        small.busy = true;
        self.making = true;
        let (number, path) = (small.number, path_of(&self.dir, small.number));
        Some(MakeFile { number, path, bytes: full, is_new: false })
    }

    pub fn made(&mut self, number: u32, result: std::io::Result<(Arc<dyn File>, u64)>) {
        self.making = false;
        let existing = self.files.iter_mut().find(|file| file.number == number);
        match (result, existing) {
            (Ok((file, bytes)), existing) => {
                if bytes >= self.wanted_bytes {
                    self.wanted_bytes = 0;
                }
                let made = RingFile { number, file, bytes, file_use: None, busy: false };
                match existing {
                    Some(existing) => *existing = made,
                    None => self.files.push(made),
                }
            }
            // Not an error: the ring stays as small as it is, and appends wait for the checkpoint earlier.
            (Err(_), existing) => {
                self.grown = true;
                if let Some(existing) = existing {
                    existing.busy = false;
                }
            }
        }
    }
}
