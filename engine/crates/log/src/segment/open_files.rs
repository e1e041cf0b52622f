//! A bounded number of descriptors that stay open for reading, over any storage.
//!
//! Cold reads come in runs over the same few segments; opening a file for each would cost more than the read. Only files
//! opened for reading are kept, so nothing dirty waits here for a sync. A name that is unlinked or renamed is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Result as IoResult;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io::{File, OpenMode, Storage};

/// Storage that remembers the files it opened for reading, the least recently used of which is let go at the bound.
pub struct OpenFiles<S> {
    storage: S,
    files_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    files: BTreeMap<PathBuf, (Arc<dyn File>, u64)>,
    /// Last uses, oldest first.
    uses: BTreeSet<(u64, PathBuf)>,
    next_use: u64,
    /// Rises when a name changes, so that a file opened meanwhile is not kept under it.
    changes: u64,
}

impl<S: Storage> OpenFiles<S> {
    /// Keeps at most `files_max` files (`model::limits::SEGMENT_FILES_OPEN_MAX`).
    #[must_use]
    pub fn new(storage: S, files_max: usize) -> OpenFiles<S> {
        OpenFiles { storage, files_max, kept: Mutex::default() }
    }

    /// Files that are open now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept().files.len()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, path: &Path) -> Option<Arc<dyn File>> {
        let (file, used) = self.files.get_mut(path)?;
        let key = (*used, path.to_owned());
        *used = self.next_use;
        let file = Arc::clone(file);
        self.uses.remove(&key);
        self.uses.insert((self.next_use, key.1));
        self.next_use += 1;
        Some(file)
    }

    fn put(&mut self, path: &Path, file: &Arc<dyn File>, files_max: usize) {
        if self.get(path).is_some() {
            return;
        }
        self.files.insert(path.to_owned(), (Arc::clone(file), self.next_use));
        self.uses.insert((self.next_use, path.to_owned()));
        self.next_use += 1;
        while self.files.len() > files_max {
            let (_, oldest) = self.uses.pop_first().expect("each file has a use");
            self.files.remove(&oldest);
        }
    }

    /// Forgets a name and everything below it.
    fn forget(&mut self, path: &Path) {
        self.changes += 1;
        let below: Vec<PathBuf> = self
            .files
            .range(path.to_owned()..)
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(path))
            .cloned()
            .collect();
        for name in below {
            if let Some((_, used)) = self.files.remove(&name) {
                self.uses.remove(&(used, name));
            }
        }
    }
}

impl<S: Storage> Storage for OpenFiles<S> {
    fn open(&self, path: &Path, mode: OpenMode) -> IoResult<Arc<dyn File>> {
        if mode != OpenMode::Read {
            return self.storage.open(path, mode);
        }
        let changes = {
            let mut kept = self.kept();
            if let Some(file) = kept.get(path) {
                return Ok(file);
            }
            kept.changes
        };
        let file = self.storage.open(path, mode)?;
        let mut kept = self.kept();
        if kept.changes == changes {
            kept.put(path, &file, self.files_max);
        }
        Ok(file)
    }

    fn create_dir_all(&self, path: &Path) -> IoResult<()> {
        self.storage.create_dir_all(path)
    }

    fn list(&self, path: &Path) -> IoResult<Vec<PathBuf>> {
        self.storage.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> IoResult<()> {
        let done = self.storage.rename(from, to);
        let mut kept = self.kept();
        kept.forget(from);
        kept.forget(to);
        done
    }

    fn unlink(&self, path: &Path) -> IoResult<()> {
        let done = self.storage.unlink(path);
        self.kept().forget(path);
        done
    }

    fn remove_dir_all(&self, path: &Path) -> IoResult<()> {
        let done = self.storage.remove_dir_all(path);
        self.kept().forget(path);
        done
    }

    fn remove_empty_dir(&self, path: &Path) -> IoResult<()> {
        self.storage.remove_empty_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> IoResult<()> {
        self.storage.sync_dir(path)
    }

    fn free_bytes(&self, path: &Path) -> IoResult<u64> {
        self.storage.free_bytes(path)
    }
}
