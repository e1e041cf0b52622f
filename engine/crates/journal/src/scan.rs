//! Which commits of a file count: the unbroken chain from its first block.
//!
//! A chain is broken by a commit that does not verify, is of another use of the file, is not the next number, or belongs to
//! a salt that does not continue the last one. What stands behind the break decides what it is: another commit of the same
//! chain behind it means that something durable is damaged (rot); nothing behind it means that the last commit never
//! became whole (torn), which is what a power cut leaves.

use model::limits::JOURNAL_BLOCK_BYTES as BLOCK;

use crate::commit::{self, Head, Header, padded};
use crate::rules::{Rule, off};

/// A commit that counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub header: Header,
    pub position: usize,
}

impl Found {
    pub fn end(&self) -> usize {
        self.position + padded(self.header.length as usize)
    }

    /// Whether `next` goes on where this commit ends.
    pub fn continued_by(&self, next: &Header) -> bool {
        next.number == self.header.number + 1 && same_chain(&self.header, next)
    }
}

fn same_chain(last: &Header, next: &Header) -> bool {
    next.salt == last.salt || next.previous_salt == last.salt || off(Rule::Continues)
}

/// A commit of the same chain stands behind a break.
#[derive(Debug)]
pub(crate) struct RotAt {
    pub broken: usize,
    pub behind: usize,
}

/// The first commit of a file, if it is whole.
pub(crate) fn first(bytes: &[u8]) -> Option<Header> {
    commit::whole(bytes).map(|(header, _)| header)
}

/// The chain of commits from the file's first block.
pub(crate) fn chain(bytes: &[u8]) -> Result<Vec<Found>, RotAt> {
    let mut found: Vec<Found> = Vec::new();
    let mut position = 0;
    while let Some((header, _)) = bytes.get(position..).and_then(commit::whole) {
        let next = Found { header, position };
        if let Some(last) = found.last()
            && (header.file_use != last.header.file_use || !last.continued_by(&header))
        {
            break;
        }
        position = next.end();
        found.push(next);
    }
    if let Some(last) = found.last()
        && let Some(behind) = later(bytes, position, &last.header, last.header.file_use)
    {
        return Err(RotAt { broken: position, behind });
    }
    Ok(found)
}

/// Where, at or behind `from`, a whole commit of `file_use` stands that is later than `last` in the same journal. The broken
/// commit at `from` may be all that its opening wrote: the salts behind it then name none that `last` knows.
pub(crate) fn later(bytes: &[u8], from: usize, last: &Header, file_use: u32) -> Option<usize> {
    (from..bytes.len()).step_by(BLOCK).find(|at| {
        // The header alone rules nearly every block out, before the checksum is computed.
        let Head::Header(header) = commit::head(&bytes[*at..]) else { return false };
        header.file_use == file_use
            && header.number > last.number
            && (off(Rule::Salt) || same_chain(last, &header) || commit::same_journal(last, &header))
            && commit::whole(&bytes[*at..]).is_some()
    })
}

/// Where, behind a file's first commit that is not whole, a commit stands that is not part of it. A payload of the first
/// commit may look like one: inside of it only the same chain counts.
pub(crate) fn behind_first(bytes: &[u8]) -> Option<usize> {
    let torn = match commit::head(bytes) {
        Head::Header(header) => Some(header),
        Head::Other | Head::Newer(_) => None,
    };
    let end = torn.map_or(0, |header| padded(header.length as usize));
    (0..bytes.len()).step_by(BLOCK).find(|at| {
        let Some((header, _)) = commit::whole(&bytes[*at..]) else { return false };
        *at >= end
            || torn.is_none_or(|torn| {
                header.number > torn.number && (off(Rule::Salt) || same_chain(&torn, &header))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Commits of one block each, numbered from 1, under these salts of one journal; each continues the one before it.
    fn file(salts: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0; salts.len() * BLOCK];
        let mut previous = 0;
        for ((number, salt), block) in (1..).zip(salts).zip(bytes.chunks_mut(BLOCK)) {
            let (length, file_use, start) = (100, 1, 1);
            let header = Header { length, salt: *salt, previous_salt: previous, number, file_use, start };
            commit::finish(block, &header);
            previous = *salt;
        }
        bytes
    }

    #[test]
    fn damage_to_a_commit_that_is_all_of_its_opening_is_no_torn_end() {
        let mut bytes = file(&[11, 22, 33]);
        assert_eq!(chain(&bytes).expect("whole").len(), 3);
        for at in [0, 9, 20, 80] {
            bytes[BLOCK + at] ^= 1;
            let rot = chain(&bytes).expect_err("commit 3 is behind it");
            assert_eq!((rot.broken, rot.behind), (BLOCK, 2 * BLOCK));
            bytes[BLOCK + at] ^= 1;
        }
    }
}
