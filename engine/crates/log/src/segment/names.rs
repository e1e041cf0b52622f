//! File names of a partition's directory.

use std::io::Result as IoResult;
use std::path::{Path, PathBuf};

use io::Storage;
use model::Offset;

/// Digits of a base offset in a file name, Kafka's number.
const DIGITS: usize = 20;
const LOG: &str = "log";
const INDEX: &str = "index";
const TIME_INDEX: &str = "timeindex";
pub(super) const TXN_INDEX: &str = "txnindex";

/// `00000000000000000000.log`
#[must_use]
pub fn log_path(dir: &Path, base: Offset) -> PathBuf {
    path(dir, base, LOG)
}

/// `00000000000000000000.index`
#[must_use]
pub fn index_path(dir: &Path, base: Offset) -> PathBuf {
    path(dir, base, INDEX)
}

/// `00000000000000000000.timeindex`
#[must_use]
pub fn time_index_path(dir: &Path, base: Offset) -> PathBuf {
    path(dir, base, TIME_INDEX)
}

/// `00000000000000000000.txnindex`
#[must_use]
pub fn txn_index_path(dir: &Path, base: Offset) -> PathBuf {
    path(dir, base, TXN_INDEX)
}

fn path(dir: &Path, base: Offset, suffix: &str) -> PathBuf {
    dir.join(format!("{:0DIGITS$}.{suffix}", base.0))
}

/// What is in a partition's directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// Base offsets of the segments that have a `.log`, rising.
    pub bases: Vec<Offset>,
    /// Names that are not ours, or an index whose `.log` is missing; they are reported and left alone.
    pub unknown: Vec<PathBuf>,
}

/// Looks through a directory; a missing one is empty.
pub fn list(storage: &dyn Storage, dir: &Path) -> IoResult<Listing> {
    let names = storage.list(dir)?;
    let bases: Vec<Offset> = names.iter().filter_map(|name| base_of(name, LOG)).collect();
    let known = |name: &PathBuf| {
        let index = [INDEX, TIME_INDEX, TXN_INDEX].iter().find_map(|suffix| base_of(name, suffix));
        base_of(name, LOG).is_some()
            || index.is_some_and(|base| bases.binary_search(&base).is_ok())
            || name.file_name().is_some_and(|name| super::describe::NAMES.iter().any(|ours| name == *ours))
    };
    let unknown = names.iter().filter(|name| !known(name)).cloned().collect();
    Ok(Listing { bases, unknown })
}

/// Base offsets of the segments in a directory, rising.
pub fn bases(storage: &dyn Storage, dir: &Path) -> IoResult<Vec<Offset>> {
    Ok(list(storage, dir)?.bases)
}

pub(super) fn base_of(path: &Path, suffix: &str) -> Option<Offset> {
    let digits = path.file_name()?.to_str()?.strip_suffix(suffix)?.strip_suffix('.')?;
    let all_digits = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { digits.parse().ok().map(Offset) } else { None }
}

/// Removes a segment's files; success if they are missing. Durable after the directory is synced.
pub fn unlink(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<()> {
    storage.unlink(&log_path(dir, base))?;
    storage.unlink(&txn_index_path(dir, base))?;
    drop_indexes(storage, dir, base)
}

/// Removes the indexes of a segment whose bytes were replaced; they are built again when they are needed.
pub fn drop_indexes(storage: &dyn Storage, dir: &Path, base: Offset) -> IoResult<()> {
    storage.unlink(&index_path(dir, base))?;
    storage.unlink(&time_index_path(dir, base))
}
