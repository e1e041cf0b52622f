//! A file system in memory that keeps only what was synced.
//!
//! Until a file is synced, a power cut leaves for every 4 KiB block any version written since, and any length. Until a
//! directory is synced, any of its changes may be lost (a rename is one change). A failed sync is the worst kind: the pages
//! count as clean afterwards, so a later sync that succeeds does not bring them back. A run can be ended at the n-th
//! change, before it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use io::{File, OpenMode, Rng, Storage};

const BLOCK: usize = 4096;
/// What [`SimDisk::flip`] flips.
const FLIPPED_BIT: u8 = 0x40;
type Block = Arc<[u8; BLOCK]>;

/// What one block may hold after a power cut; the last is what is read now. `None` is zeros.
#[derive(Clone, Default)]
struct Versions {
    list: Vec<Option<Block>>,
    dirty: bool,
}

#[derive(Clone)]
struct Inode {
    blocks: BTreeMap<u64, Versions>,
    sizes: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    File(usize),
    Dir,
}

/// A name's value before, and its changes since the directory was synced, each with the change's number.
#[derive(Clone, Default)]
struct Name {
    durable: Option<Node>,
    changes: Vec<(u64, Option<Node>)>,
}

impl Name {
    fn now(&self) -> Option<Node> {
        self.changes.last().map_or(self.durable, |(_, node)| *node)
    }
}

/// How a run ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The process is killed: everything written is still there.
    Kill,
    /// The power goes: anything that was not synced may be lost.
    Power,
}

#[derive(Clone, Default)]
struct Disk {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, Name>,
    changes: u64,
    /// Changes that moved a directory: what is in it moves with it or not at all.
    moves: BTreeSet<u64>,
    /// Changes that may still happen before the run ends.
    left: Option<u64>,
    fail_syncs: bool,
    fail_writes: bool,
    /// The change that fails, counted from now, and how.
    fault: Option<(u64, ErrorKind)>,
}

/// The simulated storage; clones are the same disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<Disk>>);

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl SimDisk {
    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another disk with the same content.
    #[must_use]
    pub fn copy(&self) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// The run ends after `n` more changes: everything then fails, and nothing happens any more. `None`: never.
    pub fn end_after(&self, n: Option<u64>) {
        self.lock().left = n;
    }

    /// Whether the run was ended by [`end_after`](Self::end_after).
    #[must_use]
    pub fn ended(&self) -> bool {
        self.lock().left == Some(0)
    }

    /// Changes made so far.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    /// From now on every sync fails, as on a disk that went bad.
    pub fn fail_syncs(&self, fail: bool) {
        self.lock().fail_syncs = fail;
    }

    /// From now on every write fails with "no space".
    pub fn fail_writes(&self, fail: bool) {
        self.lock().fail_writes = fail;
    }

    /// The `n`-th change from now fails, once: a write may have reached the disk in part, a sync loses what it was for.
    pub fn fail_at(&self, n: u64, kind: ErrorKind) {
        self.lock().fault = Some((n, kind));
    }

    /// Whether the change that [`fail_at`](Self::fail_at) names is still to come.
    #[must_use]
    pub fn fault_is_ahead(&self) -> bool {
        self.lock().fault.is_some()
    }

    /// Changes one byte of a file where it stands, durably: rot.
    pub fn flip(&self, path: &Path, position: u64) {
        let mut disk = self.lock();
        let Some(Node::File(inode)) = disk.node(path) else { panic!("no such file") };
        let versions =
            disk.inodes[inode].blocks.get_mut(&(position / BLOCK as u64)).expect("the block was written");
        for block in versions.list.iter_mut().flatten() {
            Arc::make_mut(block)[position as usize % BLOCK] ^= FLIPPED_BIT;
        }
    }

    /// Undoes a [`flip`](Self::flip) of a byte that was `was`, where the flipped byte still stands.
    pub fn mend(&self, path: &Path, position: u64, was: u8) {
        let mut disk = self.lock();
        let Some(Node::File(inode)) = disk.node(path) else { return };
        let Some(versions) = disk.inodes[inode].blocks.get_mut(&(position / BLOCK as u64)) else { return };
        for block in versions.list.iter_mut().flatten() {
            let byte = &mut Arc::make_mut(block)[position as usize % BLOCK];
            if *byte == was ^ FLIPPED_BIT {
                *byte = was;
            }
        }
    }

    /// Ends the run: what is left is what a new process finds.
    pub fn crash(&self, end: End, rng: &mut dyn Rng) {
        let mut disk = self.lock();
        disk.left = None;
        disk.fail_syncs = false;
        disk.fail_writes = false;
        disk.fault = None;
        if end == End::Power {
            disk.lose(rng);
        }
    }
}

/// How unlucky a power cut is.
enum Luck {
    AllLost,
    AllKept,
    Any,
}

impl Disk {
    fn change(&mut self) -> Result<()> {
        match &mut self.left {
            Some(0) => return Err(Error::other("the run has ended")),
            Some(left) => {
                *left -= 1;
                if *left == 0 {
                    return Err(Error::other("the run has ended"));
                }
            }
            None => {}
        }
        self.changes += 1;
        match &mut self.fault {
            Some((1, kind)) => {
                let kind = *kind;
                self.fault = None;
                Err(kind.into())
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn look(&self) -> Result<()> {
        if self.left == Some(0) { Err(Error::other("the run has ended")) } else { Ok(()) }
    }

    fn node(&self, path: &Path) -> Option<Node> {
        if path.parent().is_none() {
            return Some(Node::Dir);
        }
        self.names.get(path)?.now()
    }

    fn set(&mut self, path: &Path, node: Option<Node>) {
        let change = self.changes;
        self.names.entry(path.to_owned()).or_default().changes.push((change, node));
    }

    fn dir(&self, path: &Path) -> Result<()> {
        match self.node(path) {
            Some(Node::Dir) => Ok(()),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }

    fn children(&self, path: &Path) -> Vec<PathBuf> {
        self.names.keys().filter(|name| name.parent() == Some(path)).cloned().collect()
    }

    /// Directories moved into or out of `path` are there durably, with everything in them.
    fn settle_moves(&mut self, path: &Path) {
        for child in self.children(path) {
            let moved: Vec<u64> = self.names[&child].changes.iter().map(|(change, _)| *change).collect();
            for change in moved.into_iter().filter(|change| self.moves.contains(change)) {
                for name in self.names.values_mut() {
                    if let Some(at) = name.changes.iter().position(|(number, _)| *number == change) {
                        name.durable = name.changes[at].1;
                        name.changes.drain(..=at);
                    }
                }
            }
        }
    }

    fn lose(&mut self, rng: &mut dyn Rng) {
        let luck = match rng.below(20) {
            0..4 => Luck::AllLost,
            4..7 => Luck::AllKept,
            _ => Luck::Any,
        };
        let mut pick = |n: usize| match luck {
            _ if n == 1 => 0,
            Luck::AllLost => 0,
            Luck::AllKept => n - 1,
            Luck::Any => usize::try_from(rng.below(n as u64)).expect("small"),
        };
        for inode in &mut self.inodes {
            for versions in inode.blocks.values_mut() {
                let kept = versions.list.swap_remove(pick(versions.list.len()));
                *versions = Versions { list: vec![kept], dirty: false };
            }
            let size = inode.sizes[pick(inode.sizes.len())];
            inode.sizes = vec![size];
            inode.cut(size);
        }
        let changes: BTreeSet<u64> =
            self.names.values().flat_map(|name| name.changes.iter().map(|(change, _)| *change)).collect();
        let kept: BTreeSet<u64> = changes.into_iter().filter(|_| pick(2) == 1).collect();
        for name in self.names.values_mut() {
            let last = name.changes.iter().rev().find(|(change, _)| kept.contains(change));
            name.durable = last.map_or(name.durable, |(_, node)| *node);
            name.changes.clear();
        }
        self.drop_unreachable();
    }

    fn drop_unreachable(&mut self) {
        self.names.retain(|_, name| name.now().is_some());
        let dirs: BTreeSet<PathBuf> = self
            .names
            .iter()
            .filter(|(_, name)| name.now() == Some(Node::Dir))
            .map(|(path, _)| path.clone())
            .collect();
        let reachable = |path: &Path| {
            path.ancestors().skip(1).all(|parent| parent.parent().is_none() || dirs.contains(parent))
        };
        self.names.retain(|path, _| reachable(path));
    }
}

impl Inode {
    fn size(&self) -> u64 {
        *self.sizes.last().expect("a file has a length")
    }

    fn block(&self, at: u64) -> Option<&Block> {
        self.blocks.get(&at)?.list.last()?.as_ref()
    }

    fn put(&mut self, at: u64, block: Option<Block>) {
        let versions = self.blocks.entry(at).or_insert_with(|| Versions { list: vec![None], dirty: false });
        versions.list.push(block);
        versions.dirty = true;
    }

    /// Zeros behind the end: what a length that was kept does not cover.
    fn cut(&mut self, size: u64) {
        let first = size / BLOCK as u64;
        for (at, versions) in self.blocks.range_mut(first..) {
            for version in &mut versions.list {
                let inside =
                    usize::try_from(size.saturating_sub(at * BLOCK as u64)).expect("small").min(BLOCK);
                match version {
                    Some(block) if inside > 0 => Arc::make_mut(block)[inside..].fill(0),
                    version => *version = None,
                }
            }
        }
    }

    fn write(&mut self, bytes: &[u8], position: u64) {
        let mut done = 0;
        while done < bytes.len() {
            let at = position + done as u64;
            let (index, offset) = (at / BLOCK as u64, at as usize % BLOCK);
            let n = (BLOCK - offset).min(bytes.len() - done);
            let mut block = self.block(index).map_or([0; BLOCK], |block| **block);
            block[offset..offset + n].copy_from_slice(&bytes[done..done + n]);
            self.put(index, Some(Arc::new(block)));
            done += n;
        }
        let end = position + bytes.len() as u64;
        if end > self.size() {
            self.sizes.push(end);
        }
    }

    fn set_len(&mut self, len: u64) {
        if len < self.size() {
            let first = len / BLOCK as u64;
            let inside = len as usize % BLOCK;
            let behind: Vec<u64> = self.blocks.range(first..).map(|(at, _)| *at).collect();
            for at in behind {
                let kept = (at == first && inside > 0).then(|| self.block(at).cloned()).flatten();
                let kept = kept.map(|mut block| {
                    Arc::make_mut(&mut block)[inside..].fill(0);
                    block
                });
                self.put(at, kept);
            }
        }
        self.sizes.push(len);
    }

    fn sync(&mut self) {
        for versions in self.blocks.values_mut().filter(|versions| versions.dirty) {
            let last = versions.list.pop().expect("a block has a version");
            *versions = Versions { list: vec![last], dirty: false };
        }
        self.sizes = vec![self.size()];
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> Result<usize> {
        let disk = self.disk.lock();
        disk.look()?;
        let inode = &disk.inodes[self.inode];
        let n = usize::try_from(inode.size().saturating_sub(position)).expect("small").min(buf.len());
        let mut done = 0;
        while done < n {
            let at = position + done as u64;
            let offset = at as usize % BLOCK;
            let len = (BLOCK - offset).min(n - done);
            match inode.block(at / BLOCK as u64) {
                Some(block) => buf[done..done + len].copy_from_slice(&block[offset..offset + len]),
                None => buf[done..done + len].fill(0),
            }
            done += len;
        }
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], position: u64) -> Result<()> {
        let mut disk = self.disk.lock();
        if disk.fail_writes {
            return Err(ErrorKind::StorageFull.into());
        }
        if disk.left == Some(0) {
            return disk.look();
        }
        // A write that the end of the run or a fault meets may have reached the disk in part: as an unsynced write.
        let result = disk.change();
        disk.inodes[self.inode].write(buf, position);
        result
    }

    fn sync_data(&self) -> Result<()> {
        let mut disk = self.disk.lock();
        disk.look()?;
        let result = match disk.change() {
            Ok(()) if disk.fail_syncs => Err(Error::other("the disk failed")),
            result => result,
        };
        if disk.left == Some(0) {
            return result;
        }
        match result {
            Ok(()) => disk.inodes[self.inode].sync(),
            Err(_) => disk.inodes[self.inode].blocks.values_mut().for_each(|versions| versions.dirty = false),
        }
        result
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut disk = self.disk.lock();
        disk.change()?;
        disk.inodes[self.inode].set_len(len);
        Ok(())
    }

    fn len(&self) -> Result<u64> {
        let disk = self.disk.lock();
        disk.look()?;
        Ok(disk.inodes[self.inode].size())
    }
}

impl Storage for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        let mut disk = self.lock();
        disk.look()?;
        let inode = match disk.node(path) {
            Some(Node::File(inode)) => inode,
            Some(Node::Dir) => return Err(ErrorKind::IsADirectory.into()),
            None if matches!(mode, OpenMode::Read | OpenMode::ReadWrite) => {
                return Err(ErrorKind::NotFound.into());
            }
            None => {
                disk.dir(path.parent().unwrap_or(Path::new("/")))?;
                disk.change()?;
                disk.inodes.push(Inode { blocks: BTreeMap::new(), sizes: vec![0] });
                let inode = disk.inodes.len() - 1;
                disk.set(path, Some(Node::File(inode)));
                inode
            }
        };
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn create_dir_all(&self, path: &Path) -> Result<()> {
        let mut disk = self.lock();
        let missing: Vec<PathBuf> =
            path.ancestors().filter(|path| disk.node(path).is_none()).map(Path::to_owned).collect();
        for path in missing.iter().rev() {
            disk.change()?;
            disk.set(path, Some(Node::Dir));
        }
        Ok(())
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>> {
        let disk = self.lock();
        disk.look()?;
        Ok(disk.children(path).into_iter().filter(|name| disk.node(name).is_some()).collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut disk = self.lock();
        let Some(node) = disk.node(from) else { return Err(ErrorKind::NotFound.into()) };
        disk.change()?;
        if node == Node::Dir {
            let change = disk.changes;
            disk.moves.insert(change);
        }
        let under: Vec<PathBuf> = disk.names.keys().filter(|name| name.starts_with(from)).cloned().collect();
        for name in under.into_iter().filter(|name| *name != from) {
            let moved = to.join(name.strip_prefix(from).expect("it is under it"));
            let node = disk.node(&name);
            disk.set(&moved, node);
            disk.set(&name, None);
        }
        disk.set(to, Some(node));
        disk.set(from, None);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> Result<()> {
        let mut disk = self.lock();
        disk.look()?;
        if disk.node(path).is_some() {
            disk.change()?;
            disk.set(path, None);
        }
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> Result<()> {
        let mut disk = self.lock();
        disk.look()?;
        let under: Vec<PathBuf> = disk.names.keys().filter(|name| name.starts_with(path)).cloned().collect();
        for name in under.into_iter().rev() {
            if disk.node(&name).is_some() {
                disk.change()?;
                disk.set(&name, None);
            }
        }
        Ok(())
    }

    fn remove_empty_dir(&self, path: &Path) -> Result<()> {
        let mut disk = self.lock();
        disk.look()?;
        let empty = disk.children(path).iter().all(|name| disk.node(name).is_none());
        if disk.node(path).is_some() && empty {
            disk.change()?;
            disk.set(path, None);
        }
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> Result<()> {
        let mut disk = self.lock();
        disk.dir(path)?;
        disk.change()?;
        if disk.fail_syncs {
            return Err(Error::other("the disk failed"));
        }
        disk.settle_moves(path);
        for child in disk.children(path) {
            let name = disk.names.get_mut(&child).expect("listed");
            name.durable = name.now();
            name.changes.clear();
            if name.durable.is_none() {
                disk.names.retain(|name, _| !name.starts_with(&child));
            }
        }
        Ok(())
    }

    fn free_bytes(&self, _path: &Path) -> Result<u64> {
        Ok(1 << 40)
    }
}
