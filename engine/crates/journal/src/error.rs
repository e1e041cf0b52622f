//! What can go wrong: at opening, and for good.

use std::fmt;
use std::io;
use std::path::PathBuf;

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
            OpenError::Rot(what) => write!(f, "the journal is damaged: {what}"),
        }
    }
}

impl std::error::Error for OpenError {}
