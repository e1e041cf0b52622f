//! What can go wrong: at opening, and for good.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::record::UnknownKind;

/// The journal could not be written or synced. Nothing more may be acknowledged: a later sync may lie about the pages that
/// this one lost, so the process ends.
#[derive(Debug)]
pub struct Fatal {
    /// What was tried.
    pub what: &'static str,
    /// What the system said.
    pub error: io::Error,
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.error)
    }
}

impl std::error::Error for Fatal {}

/// Why a journal was not opened. Nothing was changed on disk.
#[derive(Debug)]
pub enum OpenError {
    /// The system refused.
    Io(PathBuf, io::Error),
    /// Written by a newer version.
    NewerFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u16,
    },
    /// A record that this version does not know stands in a commit that is whole.
    NewerRecord {
        /// Which file.
        path: PathBuf,
        /// Where its commit begins.
        position: u64,
        /// The record's kind, as a number and, if it is reserved, by name.
        kind: UnknownKind,
    },
    /// Bytes that were durable once are damaged: never repaired in silence.
    Rot(String),
}

impl OpenError {
    /// Damage, described.
    pub fn rot(what: impl Into<String>) -> OpenError {
        OpenError::Rot(what.into())
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            OpenError::NewerFormat { path, format } => {
                write!(f, "{} has format {format}, written by a newer version", path.display())
            }
            OpenError::NewerRecord { path, position, kind } => write!(
                f,
                "{} at byte {position}: {kind}, which this version does not write, so a newer version did",
                path.display()
            ),
            OpenError::Rot(what) => write!(f, "the journal is damaged: {what}"),
        }
    }
}

impl std::error::Error for OpenError {}
