//! What a seed makes of the world before it begins: sizes, clients, and how much goes wrong.

use batch::Codec;
use io::{Rng, SplitMix};
use model::limits::PRODUCERS_IN_STATE_MAX;

use super::clients::Habits;
use super::topics::Topic;

/// Seeds differ in what they do most of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mood {
    /// A little of everything.
    Mixed,
    /// Many ends of the process.
    Crashing,
    /// A slow pool, so that the journal fills.
    Slow,
    /// Sockets that cut and stall.
    Flaky,
    /// No faults at all: what fails here is plainly wrong.
    Calm,
}

/// A seed's world.
pub(super) struct Plan {
    pub mood: Mood,
    pub shards: u16,
    pub journal_file_bytes: u64,
    pub tail_bytes_max: u64,
    pub retention_check_ms: u64,
    pub files_open_max: usize,
    /// Producers of a partition that the journal may hold instead of a file.
    pub producers_in_state_max: usize,
    pub chunk_bytes_max: usize,
    /// Steps under load.
    pub steps: u64,
    pub topics: Vec<Topic>,
    pub producers: Vec<Habits>,
    /// Version, whether it wants a session, whether it reads committed records.
    pub consumers: Vec<(i16, bool, bool)>,
}

fn pick<T: Copy>(rng: &mut SplitMix, of: &[T]) -> T {
    of[rng.below(of.len() as u64) as usize]
}

impl Plan {
    pub fn of(seed: u64, rng: &mut SplitMix) -> Plan {
        let mood = pick(
            rng,
            &[Mood::Mixed, Mood::Mixed, Mood::Crashing, Mood::Crashing, Mood::Slow, Mood::Flaky, Mood::Calm],
        );
        Plan {
            mood,
            shards: 1 + rng.below(2) as u16,
            journal_file_bytes: pick(rng, &[48, 64, 64, 128]) << 10,
            tail_bytes_max: pick(rng, &[0, 16 << 10, 64 << 10, 4 << 20]),
            retention_check_ms: pick(rng, &[100, 1_000]),
            files_open_max: 1 + rng.below(8) as usize,
            // By the seed, not drawn: what the seeds did that once failed stays as it was for most of them.
            producers_in_state_max: if seed.is_multiple_of(3) { 0 } else { PRODUCERS_IN_STATE_MAX },
            chunk_bytes_max: pick(rng, &[97, 3_000, 1 << 20, 1 << 20]),
            steps: pick(rng, &[1_000, 1_600, 2_600]),
            topics: topics(rng),
            producers: producers(rng),
            consumers: (0..2 + rng.below(2))
                .map(|_| (4 + rng.below(15) as i16, rng.below(2) == 0, rng.below(2) == 0))
                .collect(),
        }
    }
}

fn topics(rng: &mut SplitMix) -> Vec<Topic> {
    let count = 1 + rng.below(3) as usize;
    (0..count)
        .map(|number| {
            let retention = rng.below(4);
            Topic {
                name: format!("topic-{number}"),
                partitions: 1 + rng.below(3) as usize,
                segment_bytes: pick(rng, &[12 << 10, 20 << 10, 60 << 10]),
                retention_bytes: if retention == 1 { 40_000 } else { -1 },
                retention_ms: if retention == 2 { 2_000 } else { -1 },
                mortal: number > 0 && rng.below(2) == 0,
                id: None,
                slots: Vec::new(),
            }
        })
        .collect()
}

fn producers(rng: &mut SplitMix) -> Vec<Habits> {
    (0..2 + rng.below(3) as u16)
        .map(|number| {
            let idempotent = number == 0 || rng.below(3) > 0;
            Habits {
                number,
                idempotent,
                acks: if idempotent { -1 } else { pick(rng, &[-1, 1, 0]) },
                codec: pick(rng, &[Codec::None, Codec::None, Codec::None, Codec::Lz4, Codec::Snappy]),
                timeout_ms: pick(rng, &[30_000, 30_000, 20]),
                bytes_max: pick(rng, &[500, 5_000, 8_000]),
                one_in: 1 + rng.below(12),
            }
        })
        .collect()
}
