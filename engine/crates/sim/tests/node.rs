//! A whole node under clients and faults: seeds that once failed, some more, and that a seed is a replay.

use sim::node::{Outcome, Reached, run};

/// One seed a line, each with what it once found.
const FOUND: &str = include_str!("../seeds.txt");

/// So many that a fault which one seed in two hundred meets is met.
const SEEDS: u64 = 800;

fn sound(seed: u64) -> Outcome {
    run(seed, false).unwrap_or_else(|failure| panic!("seed {seed}: {}\n{}", failure.what, failure.events))
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let seeds: Vec<u64> = FOUND
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_whitespace().next().and_then(|seed| seed.parse().ok()).expect("a seed"))
        .collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        sound(seed);
    }
}

#[test]
fn nothing_acknowledged_is_lost_whatever_fails() {
    let mut reached = Reached::default();
    for seed in 1..=SEEDS {
        reached.add(&sound(seed).reached);
    }
    assert!(reached.missing().is_empty(), "never met: {:?}", reached.missing());
}

#[test]
fn a_seed_is_a_replay() {
    for seed in [1, 2, 3, 44, 555] {
        let (first, second) = (run(seed, false), run(seed, false));
        assert_eq!(first, second, "seed {seed} ran in two ways");
    }
    let hash = |seed| run(seed, false).map(|outcome| outcome.hash);
    assert_ne!(hash(1), hash(2), "a hash that does not see what happens shows nothing");
}
