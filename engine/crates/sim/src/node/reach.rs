//! Rare situations that the seeds together must have met, or they show nothing about them.

use std::fmt;

/// A situation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Situation {
    /// Power was cut in the middle of a commit, and part of it reached the disk.
    TornCommit,
    /// The process ended when a segment was ahead of what the journal says of it.
    CheckpointRace,
    /// Every file that a journal had was needed: appends wait for the checkpoint, or for a new file.
    FullJournal,
    /// A segment was cut where bytes stood that nobody had acknowledged.
    Truncation,
    /// A bit flipped in something needed, and the node refused to start with it or to serve it.
    Rot,
    /// The process ended while a transaction was open.
    OpenTransaction,
    /// The node started where bytes of an earlier use of the file stand behind the journal's end.
    RecycledBytes,
}

impl Situation {
    /// All of them, with the names that a report uses.
    pub const ALL: [(Situation, &'static str); 7] = [
        (Situation::TornCommit, "torn_commit"),
        (Situation::CheckpointRace, "checkpoint_race"),
        (Situation::FullJournal, "full_journal"),
        (Situation::Truncation, "truncation"),
        (Situation::Rot, "rot"),
        (Situation::OpenTransaction, "open_transaction"),
        (Situation::RecycledBytes, "recycled_bytes"),
    ];
}

/// How often each was met.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reached([u64; Situation::ALL.len()]);

impl Reached {
    /// Counts one, if it was met.
    pub(super) fn count(&mut self, situation: Situation, met: bool) {
        self.0[situation as usize] += u64::from(met);
    }

    /// Adds what other runs met.
    pub fn add(&mut self, other: &Reached) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Those that were never met.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        Situation::ALL.iter().filter(|(at, _)| self.0[*at as usize] == 0).map(|(_, name)| *name).collect()
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Reached> {
        let mut reached = Reached::default();
        for word in text.split_whitespace() {
            let (name, count) = word.split_once('=')?;
            let (at, _) = Situation::ALL.iter().find(|(_, known)| *known == name)?;
            reached.0[*at as usize] = count.parse().ok()?;
        }
        Some(reached)
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> =
            Situation::ALL.iter().map(|(at, name)| format!("{name}={}", self.0[*at as usize])).collect();
        f.write_str(&words.join(" "))
    }
}
