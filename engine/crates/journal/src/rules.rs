//! The journal's rules as switches, so that tests can prove that the crash tests notice a missing one.
//!
//! Without the feature `mutants` every [`off`] is the constant `false` and costs nothing. With it a switch belongs to the
//! thread, so that tests beside each other do not disturb one another.

/// A rule that a test may switch off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Rule {
    /// A commit counts whole or not at all: one checksum over all its blocks.
    CommitChecksum,
    /// Commits carry the random salt of their opening, and the one it continues.
    Salt,
    /// Recovery starts at the file that the last commit names.
    StartMark,
    /// Recovery writes the last whole commit again before it acts on it.
    Rewrite,
    /// Recovery writes the bytes, it does not only sync.
    RewriteBytes,
    /// A group's first record in a file is preceded by its State.
    StateFirst,
    /// State carries the markers.
    StateMarkers,
    /// A file is freed only when the commit that says so is durable.
    FreeAfterCommit,
    /// A file is freed only when each group's State stands in a newer one.
    FreeAfterStates,
    /// The last free file belongs to the checkpoint.
    Reserve,
    /// Acknowledgements of an older generation count for nothing.
    AckGeneration,
    /// Write-behind takes only durable elements.
    WriteBehindDurable,
    /// Flushed is journaled after the segment was synced.
    SyncBeforeFlushed,
    /// Every segment that was touched is synced, not only the last.
    SyncEverySegment,
    /// New names are synced before Flushed.
    SyncDirectory,
    /// A write-behind result of an older generation is dropped.
    FlushedGeneration,
    /// Truncate lowers the flushed mark in replay.
    TruncateLowersMark,
    /// Files are unlinked only when the record that allows it is durable.
    UnlinkAfterCommit,
    /// A removed group's directory is never used again.
    DirectoryIdentity,
    /// The first commit under a new salt names the salt that it continues.
    Continues,
    /// Recovery touches no other file before the last commit was written again.
    RewriteBeforeFiles,
    /// What stands behind the flushed mark is not believed, whatever its checksum says.
    NothingBehindMark,
    /// A batch that is acknowledged early (`write.caching`) goes through the journal like any other.
    CachedInJournal,
    /// Replay keeps the largest flushed mark, not the last.
    LargestMark,
    /// Records of reserved kinds are refused, not skipped.
    ReservedKinds,
}

impl Rule {
    /// All of them, with the names that the command line takes.
    pub const ALL: [(Rule, &'static str); 25] = [
        (Rule::CommitChecksum, "commit-checksum"),
        (Rule::Salt, "salt"),
        (Rule::StartMark, "start-mark"),
        (Rule::Rewrite, "rewrite"),
        (Rule::RewriteBytes, "rewrite-bytes"),
        (Rule::StateFirst, "state-first"),
        (Rule::StateMarkers, "state-markers"),
        (Rule::FreeAfterCommit, "free-after-commit"),
        (Rule::FreeAfterStates, "free-after-states"),
        (Rule::Reserve, "reserve"),
        (Rule::AckGeneration, "ack-generation"),
        (Rule::WriteBehindDurable, "write-behind-durable"),
        (Rule::SyncBeforeFlushed, "sync-before-flushed"),
        (Rule::SyncEverySegment, "sync-every-segment"),
        (Rule::SyncDirectory, "sync-directory"),
        (Rule::FlushedGeneration, "flushed-generation"),
        (Rule::TruncateLowersMark, "truncate-lowers-mark"),
        (Rule::UnlinkAfterCommit, "unlink-after-commit"),
        (Rule::DirectoryIdentity, "directory-identity"),
        (Rule::Continues, "continues"),
        (Rule::RewriteBeforeFiles, "rewrite-before-files"),
        (Rule::NothingBehindMark, "nothing-behind-mark"),
        (Rule::CachedInJournal, "cached-in-journal"),
        (Rule::LargestMark, "largest-mark"),
        (Rule::ReservedKinds, "reserved-kinds"),
    ];
}

/// Whether a test switched this rule off.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
#[must_use]
pub const fn off(_rule: Rule) -> bool {
    false
}

#[cfg(feature = "mutants")]
thread_local! {
    static OFF: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Whether a test switched this rule off.
#[cfg(feature = "mutants")]
#[must_use]
pub fn off(rule: Rule) -> bool {
    OFF.with(|off| off.get() & (1 << rule as u8) != 0)
}

/// Switches a rule off (or none) for this thread.
#[cfg(feature = "mutants")]
pub fn switch_off(rule: Option<Rule>) {
    OFF.with(|off| off.set(rule.map_or(0, |rule| 1 << rule as u8)));
}
