//! Files as the engine uses them: blocking, positioned, and explicit about what is durable.
//!
//! Nothing is durable until it was synced: file bytes by [`File::sync_data`], names (create, rename, unlink) by
//! [`Storage::sync_dir`] on the directory that holds them. The simulated storage loses anything else at a power cut.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// Must exist; only read.
    Read,
    /// Must exist; read and write.
    ReadWrite,
    /// Made if it is missing; read and write.
    Create,
    /// As `Create`, with writes that go past the page cache where the file system can (`O_DIRECT`); where it can not,
    /// the file is opened as with `Create`. Buffers, positions and lengths must be whole blocks.
    CreateDirect,
}

/// An open file.
pub trait File: Send + Sync {
    /// Reads up to `buf.len()` bytes at `position`; fewer only at the end of the file; 0 at or behind it.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes all of `buf` at `position`.
    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<()>;
    /// Makes everything written, and the length, durable. After one failure nothing this file says can be trusted.
    fn sync_data(&self) -> io::Result<()>;
    /// Cuts or extends (with zeros) the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether nothing is in the file.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A file system. All paths are absolute or relative to the process; missing files are `NotFound`.
pub trait Storage: Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;
    /// Makes a directory and its parents; success if it is there already.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Names in a directory, sorted; empty if the directory is missing.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// Renames a file or a directory, replacing a file that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; success if it is missing.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory with everything in it; success if it is missing.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Removes a directory if nothing is in it; success if something is, or if it is missing.
    fn remove_empty_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in this directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Bytes that may still be written.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// Reads exactly `buf.len()` bytes, or fails with `UnexpectedEof`.
pub fn read_exact_at(file: &dyn File, mut buf: &mut [u8], mut position: u64) -> io::Result<()> {
    while !buf.is_empty() {
        let n = file.read_at(buf, position)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf = &mut buf[n..];
        position += n as u64;
    }
    Ok(())
}
