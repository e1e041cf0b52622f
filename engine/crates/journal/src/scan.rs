//! Which commits of a file count: the unbroken chain from its first block.
//!
//! A chain is broken by a commit that does not verify, is of another use of the file, is not the next number, or belongs to
//! a salt that does not continue the last one. What stands behind the break decides what it is: another commit of the same
//! chain behind it means that something durable is damaged (rot); nothing behind it means that the last commit never
//! became whole (torn), which is what a power cut leaves.

use std::ops::RangeInclusive;

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
        && let Some(behind) =
            later(bytes, position, &last.header, last.header.file_use..=last.header.file_use)
    {
        return Err(RotAt { broken: position, behind });
    }
    Ok(found)
}

/// Where, at or behind `from`, a whole commit of one of `uses` stands that is later than `last` in the same journal. The broken
/// commit at `from` may be all that its opening wrote: the salts behind it then name none that `last` knows.
fn later(bytes: &[u8], from: usize, last: &Header, uses: RangeInclusive<u32>) -> Option<usize> {
    (from..bytes.len()).step_by(BLOCK).find(|at| {
        // The header alone rules nearly every block out, before the checksum is computed.
        let Head::Header(header) = commit::head(&bytes[*at..]) else { return false };
        uses.contains(&header.file_use)
            && header.number > last.number
            && (off(Rule::Salt) || same_chain(last, &header) || commit::same_journal(last, &header))
            && commit::whole(&bytes[*at..]).is_some()
    })
}

/// Where a whole commit later than `last`, the newest of all other files, stands in a file whose first commit is not whole. Of
/// any later use: the files of those between may have been free, and made anew since.
pub(crate) fn later_use(bytes: &[u8], last: &Header) -> Option<usize> {
    later(bytes, 0, last, last.file_use.saturating_add(1)..=u32::MAX)
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

    #[test]
    fn a_file_whose_first_commit_is_damaged_is_missed_also_several_uses_on() {
        let mut bytes = file(&[11, 22, 33]);
        let third = chain(&bytes).expect("whole")[2].header;
        bytes[80] ^= 1;
        let last = |file_use, number| Header { file_use, number, ..third };
        assert_eq!(later_use(&bytes, &last(0, 0)), Some(BLOCK), "the next use");
        for block in bytes.chunks_mut(BLOCK).skip(1) {
            let Head::Header(header) = commit::head(block) else { panic!("a commit") };
            commit::finish(block, &Header { file_use: 7, ..header });
        }
        assert_eq!(later_use(&bytes, &last(3, 0)), Some(BLOCK), "four uses on");
        assert_eq!(later_use(&bytes, &last(7, 0)), None, "the same use is no later one");
        assert_eq!(later_use(&bytes, &last(3, 9)), None, "nor is an earlier commit");
    }
}
