//! Seeded runs, and the search over seeds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use io::{Rng, SplitMix, Storage};

use super::oracle::Want;
use super::world::{World, open};
use crate::disk::{End, SimDisk};

/// What must not happen, and in which run.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The run's seed.
    pub seed: u64,
    /// What was found.
    pub what: String,
}

/// What a search saw.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Runs.
    pub runs: u64,
    /// Crash states that were recovered and checked.
    pub states: u64,
    /// What was found wrong.
    pub violations: Vec<Violation>,
}

static SEED: AtomicU64 = AtomicU64::new(0);

/// The seed of the run that is under way: what an assertion's message needs.
pub fn seed_in_work() -> u64 {
    SEED.load(Ordering::Relaxed)
}

/// Runs seeds from `first` on until `states` crash states were checked, or `violations_max` were found.
pub fn search(first: u64, states: u64, violations_max: usize) -> Report {
    let mut report = Report::default();
    while report.states < states && report.violations.len() < violations_max {
        let seed = first + report.runs;
        report.runs += 1;
        SEED.store(seed, Ordering::Relaxed);
        let checked = &mut report.states;
        let result = catch_unwind(AssertUnwindSafe(|| run(seed, checked)));
        let what = match result {
            Ok(Ok(())) => continue,
            Ok(Err(what)) => what,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                format!("panic: {}", text.unwrap_or_default())
            }
        };
        report.violations.push(Violation { seed, what });
    }
    report
}

/// One life in which everything happens, ended at its first change of the disk, at its second, and so on until it ends by
/// itself. Returns how many changes that were.
pub fn end_at_every_change(seed: u64, end: End) -> Result<u64, String> {
    for n in 1.. {
        let mut rng = SplitMix(seed + n);
        let disk = SimDisk::default();
        disk.end_after(Some(n));
        let opened = World::new(&disk, SplitMix(seed), Want::default(), 1);
        if disk.ended() {
            disk.crash(end, &mut rng);
            World::new(&disk, SplitMix(seed + 1), Want::default(), 1)
                .map_err(|error| format!("change {n}: {error}"))?;
            continue;
        }
        let mut world = opened.map_err(|error| error.to_string())?;
        let whole = life(&mut world).map_err(|what| format!("change {n}: {what}"))?;
        let mut states = 0;
        restart_by(world, &mut rng, &mut states, end).map_err(|what| format!("change {n}: {what}"))?;
        if whole {
            return Ok(n);
        }
    }
    unreachable!("a life ends")
}

/// Creates, appends, elects, truncates, rolls, writes behind, checkpoints, deletes and removes. `false`: it was ended.
fn life(world: &mut World) -> Result<bool, String> {
    for round in 0..14 {
        world.create();
        let groups: Vec<_> = world.want.0.keys().copied().collect();
        for (at, group) in groups.iter().enumerate() {
            for _ in 0..2 {
                if !world.append(*group) && !make_room(world)? {
                    return Ok(false);
                }
            }
            world.commit_index(*group);
            let _roomy = match (round + at) % 4 {
                0 => world.elect(*group),
                1 => world.truncate(*group),
                2 => world.raise_start(*group),
                _ => {
                    world.write_behind(*group);
                    true
                }
            };
        }
        if round % 5 == 4
            && let Some(group) = groups.first()
        {
            world.remove(*group);
        }
        world.end_turn();
        if !world.finish_commit() {
            return Ok(false);
        }
        while !world.jobs.is_empty() || world.making.is_some() {
            if !world.run_job() {
                return Ok(false);
            }
        }
        while !world.dones.is_empty() {
            world.deliver()?;
        }
    }
    Ok(true)
}

/// What a run does more of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    Mixed,
    /// One group gets nearly everything, so that others fall behind in old files.
    Focus,
    /// Appends without end: the journal is always nearly full.
    Hungry,
    /// Truncations.
    Truncating,
}

/// One run: counts the crash states it checked in `states`; an error says what was violated.
pub fn run(seed: u64, states: &mut u64) -> Result<(), String> {
    let mut rng = SplitMix(seed);
    let disk = SimDisk::default();
    let steps = [30, 60, 120, 250, 500][usize::try_from(rng.below(5)).expect("small")];
    let profile = [Profile::Mixed, Profile::Focus, Profile::Hungry, Profile::Truncating]
        [usize::try_from(rng.below(4)).expect("small")];
    let crash_percent = [1, 3, 8][usize::try_from(rng.below(3)).expect("small")];
    let first = SplitMix(rng.next_u64());
    let mut world = World::new(&disk, first, Want::default(), 1).map_err(|error| error.to_string())?;
    for _ in 0..steps {
        let ended = if rng.below(100) < crash_percent { true } else { !step(&mut world, &mut rng, profile)? };
        if ended {
            world = restart(world, &mut rng, states)?;
        }
    }
    Ok(())
}

/// One thing happens. `false`: the run ended in it.
fn step(world: &mut World, rng: &mut SplitMix, profile: Profile) -> Result<bool, String> {
    let group = match profile {
        Profile::Focus if rng.below(20) > 0 => world.want.0.keys().last().copied(),
        _ => world.pick(),
    };
    let mut dice = rng.below(100);
    match profile {
        Profile::Hungry if dice >= 60 && rng.below(2) == 0 => dice = 20,
        Profile::Truncating if dice < 30 && rng.below(2) == 0 => dice = 44,
        _ => {}
    }
    // A crash inside of whatever runs next, at one of its changes.
    if rng.below(60) == 0 {
        world.disk.end_after(Some(1 + rng.below(8)));
    }
    let roomy = match (dice, group) {
        (0..6, _) | (_, None) => world.create(),
        (6..36, Some(group)) => world.append(group),
        (36..40, Some(group)) => world.elect(group),
        (40..46, Some(group)) => world.truncate(group),
        (46..50, Some(group)) => world.raise_start(group),
        (50..51, Some(group)) => world.remove(group),
        (51..56, Some(group)) => {
            world.commit_index(group);
            true
        }
        (56..60, Some(group)) => {
            world.write_behind(group);
            true
        }
        (60..72, _) => return Ok(world.run_job()),
        (72..82, _) => {
            world.deliver()?;
            true
        }
        (82..90, _) => {
            world.end_turn();
            true
        }
        _ => return Ok(world.finish_commit()),
    };
    if roomy { Ok(true) } else { make_room(world) }
}

/// Callers that find no room wait: what they wait for must come.
fn make_room(world: &mut World) -> Result<bool, String> {
    for _ in 0..200 {
        world.end_turn();
        if !world.finish_commit() || !world.run_job() {
            return Ok(false);
        }
        world.deliver()?;
        let mark = journal::GroupMark { state_bytes: 200, ..journal::GroupMark::default() };
        if world.journal.takes(&mark, 9200 + 800) {
            return Ok(true);
        }
    }
    let logs: Vec<String> = world.logs.iter().map(log::Log::describe).collect();
    Err(format!(
        "stuck: no room for the records that would free a journal file: {} jobs {} results {}; {}",
        world.journal.describe(),
        world.jobs.len(),
        world.dones.len(),
        logs.join("; ")
    ))
}

fn restart(world: World, rng: &mut SplitMix, states: &mut u64) -> Result<World, String> {
    let end = any_end(rng);
    restart_by(world, rng, states, end)
}

fn any_end(rng: &mut SplitMix) -> End {
    if rng.below(3) == 0 { End::Kill } else { End::Power }
}

/// The run ends, and the next process finds what is left; which may end in its recovery, and the one after finds the rest.
fn restart_by(mut world: World, rng: &mut SplitMix, states: &mut u64, mut end: End) -> Result<World, String> {
    let disk = world.disk.clone();
    let mut allowed = vec![world.acked.clone()];
    allowed.extend(world.maybe.take());
    if let Some((commit, want)) = world.in_flight.take() {
        allowed.push(want);
        if !disk.ended() && rng.below(2) == 0 {
            // The write happened, the sync did not, or it failed.
            disk.fail_syncs(rng.below(3) == 0);
            let _ = if rng.below(2) == 0 {
                commit.write()
            } else {
                io::Job::run(commit, &disk as &dyn Storage).into_result()
            };
        }
    }
    let next_group = world.next_group;
    drop(world);
    for attempt in 0..4 {
        disk.crash(end, rng);
        if attempt < 3 && rng.below(4) == 0 {
            // The next crash comes during recovery.
            disk.end_after(Some(1 + rng.below(12)));
        }
        *states += 1;
        let salt = SplitMix(rng.next_u64());
        let opened = World::new(&disk, salt, Want::default(), next_group);
        if disk.ended() {
            end = any_end(rng);
            continue;
        }
        disk.end_after(None);
        let mut world = opened.map_err(|error| format!("not recovered: {error}"))?;
        let storage: &dyn Storage = &disk;
        let mut differs = String::new();
        let found = allowed.into_iter().find(|want| match want.check(&world.logs, &world.journal, storage) {
            Ok(()) => true,
            Err(what) => {
                differs.push_str(&what);
                differs.push_str("; or ");
                false
            }
        });
        let Some(found) = found else { return Err(format!("acknowledged state lost or changed: {differs}")) };
        let again = disk.copy();
        let (journal, logs) = open(&again, &mut SplitMix(rng.next_u64()))
            .map_err(|error| format!("not recovered twice: {error}"))?;
        found
            .check(&logs, &journal, &again)
            .map_err(|what| format!("recovered twice, differently: {what}"))?;
        world.acked = found.clone();
        world.want = found;
        let limits = log::SegmentLimits { bytes: 9000, ms: i64::MAX };
        let groups: Vec<_> = world.want.0.keys().copied().collect();
        for group in groups {
            world.logs.get_mut(group).expect("checked").configure(limits);
        }
        return Ok(world);
    }
    unreachable!("the last attempt is not disturbed")
}
