//! What is left of a damaged journal, for a start that accepts loss.
//!
//! A commit that is whole and of this journal is what it was, wherever it stands. What is between two of them and missing is
//! for the reader to judge: the numbers say where something is missing.

use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use crate::commit::{self, Head, Header, padded, same_journal};
use crate::error::OpenError;
use crate::open::{Opening, Used};
use crate::scan::Found;

impl Opening<'_> {
    /// Every commit that can be proven, in order, with the places where others are missing.
    pub(crate) fn remains(&mut self) -> Result<Vec<Used>, OpenError> {
        let known = self.first_headers()?;
        let of_journal = |found: &Found| known.iter().any(|first| same_journal(first, &found.header));
        let mut used: Vec<Used> = Vec::new();
        for at in 0..self.files.len() {
            let mut commits = whole_commits(self.read(at)?);
            commits.retain(of_journal);
            let Some(file_use) = commits.iter().map(|found| found.header.file_use).max() else { continue };
            commits.retain(|found| found.header.file_use == file_use);
            let mut number = 0;
            commits.retain(|found| std::mem::replace(&mut number, found.header.number) < found.header.number);
            used.push(Used { at, file_use, commits, breaks: Vec::new() });
        }
        used.sort_unstable_by_key(|used| used.file_use);
        let newest = used.iter().flat_map(|used| &used.commits).max_by_key(|found| found.header.number);
        let start = newest.map_or(0, |found| found.header.start);
        used.retain(|used| used.file_use >= start);
        mark_breaks(&mut used, start);
        Ok(used)
    }

    /// Headers in first blocks, whole or not: no payload ever stands there.
    fn first_headers(&mut self) -> Result<Vec<Header>, OpenError> {
        let mut headers = Vec::new();
        for at in 0..self.files.len() {
            if let Some(Head::Header(header)) = self.first_block(at)? {
                headers.push(header);
            }
        }
        Ok(headers)
    }
}

/// Whole commits in the order of their places, none inside of another.
fn whole_commits(bytes: &[u8]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut position = 0;
    while position < bytes.len() {
        match commit::whole(&bytes[position..]) {
            Some((header, _)) => {
                found.push(Found { header, position });
                position += padded(header.length as usize);
            }
            None => position += BLOCK,
        }
    }
    found
}

fn mark_breaks(used: &mut [Used], start: u32) {
    let mut expected = None;
    for used in used {
        for (index, found) in used.commits.iter().enumerate() {
            let begins = used.file_use == start && found.position == 0;
            if expected.map_or(!begins, |number| number != found.header.number) {
                used.breaks.push(index);
            }
            expected = Some(found.header.number + 1);
        }
    }
}
