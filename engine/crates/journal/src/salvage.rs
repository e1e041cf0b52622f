//! What is left of a damaged journal, for a start that accepts loss.
//!
//! A commit that is whole and of a known salt is what it was, wherever it stands. What is between two of them and missing is
//! for the reader to judge: the numbers say where something is missing.

use std::collections::BTreeSet;

use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use crate::commit::{self, Head, Header, padded};
use crate::error::OpenError;
use crate::open::{Opening, Used};
use crate::scan::Found;

impl Opening<'_> {
    /// Every commit that can be proven, in order, with the places where others are missing.
    pub(crate) fn remains(&mut self) -> Result<Vec<Used>, OpenError> {
        let mut salts = self.salts()?;
        let mut found: Vec<Vec<Found>> = Vec::new();
        for at in 0..self.files.len() {
            found.push(whole_commits(self.read(at)?));
        }
        // Openings may hang together only through commits of another file.
        loop {
            let known = salts.len();
            let of_known = found.iter().flatten().filter(|found| is_of(&found.header, &salts));
            let named: Vec<u64> = of_known.flat_map(|c| [c.header.salt, c.header.previous_salt]).collect();
            salts.extend(named);
            salts.remove(&0); // what the first opening of all names
            if salts.len() == known {
                break;
            }
        }
        let mut used: Vec<Used> = Vec::new();
        for (at, commits) in found.into_iter().enumerate() {
            let mut commits: Vec<Found> = commits.into_iter().filter(|c| is_of(&c.header, &salts)).collect();
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

    /// Salts that first blocks name: no payload ever stands there.
    fn salts(&mut self) -> Result<BTreeSet<u64>, OpenError> {
        let mut salts = BTreeSet::new();
        for at in 0..self.files.len() {
            if let Some(Head::Header(header)) = self.first_block(at)? {
                salts.extend([header.salt, header.previous_salt]);
            }
        }
        salts.remove(&0);
        Ok(salts)
    }
}

fn is_of(header: &Header, salts: &BTreeSet<u64>) -> bool {
    salts.contains(&header.salt) || salts.contains(&header.previous_salt)
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
