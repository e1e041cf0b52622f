//! `make test ONLY=io`: a life is ended at its first change of the disk, at its second, and so on until it ends by itself;
//! by a kill, by a power cut, by a failing disk, and beside a full one. Each operation is met at every change that it makes.

mod life;

use std::collections::BTreeMap;

use io::SplitMix;
use life::{Life, OPENING, OPERATIONS, Stopped, Trouble};
use sim::disk::End;

/// Plays a life with trouble at change `n`. Gives the operation that it met, or `None` if it never came.
fn play(trouble: Trouble, n: u64) -> Option<&'static str> {
    let mut life = Life::new(trouble, n);
    let mut rng = SplitMix(n);
    let stopped = live(&mut life).err();
    let met = life.met;
    let end = match (trouble, &stopped) {
        (Trouble::End(end), Some(Stopped::Ended)) => end,
        (Trouble::End(_) | Trouble::Failure, None) => End::Power,
        (Trouble::Failure, Some(Stopped::Fatal(what))) => {
            assert!(!what.is_empty(), "a node that stops says why");
            if n.is_multiple_of(2) { End::Kill } else { End::Power }
        }
        (Trouble::Full, None) => End::Power,
        (trouble, stopped) => panic!("change {n}, {}: {trouble:?} led to {stopped:?}", life.operation),
    };
    life.restart(end, &mut rng);
    life.check();
    life.restart(End::Power, &mut rng);
    life.check();
    met
}

fn live(life: &mut Life) -> Result<(), Stopped> {
    life.open()?;
    for (name, operation) in OPERATIONS {
        life.operation = name;
        operation(life)?;
    }
    Ok(())
}

/// Every change of a life brings the trouble once. Prints how often each operation met it.
fn at_every_change(trouble: Trouble) -> BTreeMap<&'static str, u32> {
    let mut met: BTreeMap<&'static str, u32> = BTreeMap::new();
    for n in 1.. {
        match play(trouble, n) {
            Some(operation) => *met.entry(operation).or_default() += 1,
            None => break,
        }
    }
    for (operation, times) in &met {
        println!("io: {trouble:?} in {operation}: {times} changes");
    }
    met
}

fn meets_every_operation(trouble: Trouble) {
    let met = at_every_change(trouble);
    for name in OPERATIONS.iter().map(|(name, _)| *name).chain([OPENING]) {
        assert!(met.contains_key(name), "{trouble:?} never met: {name}");
    }
}

#[test]
fn a_kill_at_any_change_loses_nothing_acknowledged() {
    meets_every_operation(Trouble::End(End::Kill));
}

#[test]
fn a_power_cut_at_any_change_loses_nothing_acknowledged() {
    meets_every_operation(Trouble::End(End::Power));
}

#[test]
fn a_disk_that_fails_at_any_change_stops_the_node_or_changes_nothing() {
    meets_every_operation(Trouble::Failure);
}

#[test]
fn a_full_disk_holds_appends_back_and_nothing_is_lost() {
    let met = at_every_change(Trouble::Full);
    // The others change only the journal, whose files are there.
    for name in ["write-behind", "roll", "producers", "checkpoint", "retention", "compaction", "delete topic"]
    {
        assert!(met.contains_key(name), "the disk was never full in: {name}");
    }
}
