//! `node_sim --seeds N`: a whole node on seeds 1 to N, half of them in each of two processes. `node_sim --seed N` replays one
//! and tells everything that happens. Exit code 0 only if no seed fails and every rare situation was met.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio, exit};

use io::{Clock, SystemClock};
use sim::node::{Failure, Reached, last_events, run, seed_in_work};

/// Seeds are independent, so each process takes every second one.
const PROCESSES: u64 = 2;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let mut number = || arguments.next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_else(|| usage());
    std::panic::set_hook(Box::new(|panic| {
        let failure =
            Failure { seed: seed_in_work(), what: format!("panic: {panic}"), events: last_events() };
        tell(&failure);
        exit(1)
    }));
    match name.as_str() {
        "--seeds" => all(number()),
        "--seed" => one(number()),
        "--part" => part(number(), number(), number()),
        _ => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: node_sim --seeds N | --seed N");
    exit(2)
}

fn tell(failure: &Failure) {
    println!("seed {}: {}", failure.seed, failure.what);
    println!("what happened before, newest last:\n{}", failure.events);
    println!("to see all of it: make sim SEED={}", failure.seed);
}

fn one(seed: u64) {
    match run(seed, true) {
        Ok(outcome) => println!(
            "seed {seed}: hash {:016x}, {} records acknowledged, {} read; {}",
            outcome.hash, outcome.acked, outcome.read, outcome.reached
        ),
        Err(failure) => {
            tell(&failure);
            exit(1)
        }
    }
}

/// What one process of `--seeds` does: `seeds` from `first` on, in steps; the last line is for the parent.
fn part(first: u64, step: u64, seeds: u64) {
    let mut reached = Reached::default();
    let (mut acked, mut read) = (0, 0);
    for seed in (first..=seeds).step_by(usize::try_from(step).expect("a few")) {
        match run(seed, false) {
            Ok(outcome) => {
                reached.add(&outcome.reached);
                (acked, read) = (acked + outcome.acked, read + outcome.read);
            }
            Err(failure) => {
                tell(&failure);
                exit(1)
            }
        }
    }
    println!("part {acked} {read} {reached}");
}

fn all(seeds: u64) {
    let begun_ns = SystemClock.monotonic_ns();
    let mut parts: Vec<Child> = (1..=PROCESSES).map(|first| start_part(first, seeds)).collect();
    let mut reached = Reached::default();
    let (mut acked, mut read, mut failed) = (0, 0, false);
    for child in &mut parts {
        let output = child.stdout.take().expect("it is piped");
        for line in BufReader::new(output).lines() {
            let line = line.expect("a child prints text");
            match line.strip_prefix("part ").and_then(|counts| counts.split_once(' ')) {
                None => println!("{line}"),
                Some((first, rest)) => {
                    let (second, situations) = rest.split_once(' ').unwrap_or_else(|| usage());
                    acked += first.parse::<u64>().unwrap_or_else(|_| usage());
                    read += second.parse::<u64>().unwrap_or_else(|_| usage());
                    reached.add(&Reached::parse(situations).unwrap_or_else(|| usage()));
                }
            }
        }
        failed |= !child.wait().expect("it was started").success();
    }
    let seconds = (SystemClock.monotonic_ns() - begun_ns) as f64 / 1e9;
    println!("{seeds} seeds in {seconds:.1} s, {:.0} a second", seeds as f64 / seconds);
    println!("records acknowledged {acked}, read {read}; situations {reached}");
    if failed {
        exit(1)
    }
    let missing = reached.missing();
    if !missing.is_empty() {
        println!("no seed met {}: more seeds, or a simulator that no longer gets there", missing.join(", "));
        exit(1)
    }
    println!("0 failures");
}

fn start_part(first: u64, seeds: u64) -> Child {
    let program = std::env::current_exe().expect("a running program has a path");
    let arguments = ["--part".to_owned(), first.to_string(), PROCESSES.to_string(), seeds.to_string()];
    // What the node tells its operator goes there: with so many faults that is much, and no part of the report.
    let child = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    child.expect("a program starts twice")
}
