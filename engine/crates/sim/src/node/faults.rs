//! What goes wrong, when the seed says so; and how the process ends and comes back.

use std::path::PathBuf;

use io::Rng;

use super::clock::NS_PER_MS;
use super::ledger::Checked;
use super::plan::Mood;
use super::process::Process;
use super::reach::Situation;
use super::storage::Fault;
use super::survey::{self, Place, Survey};
use super::trace;
use super::world::World;
use crate::disk::End;

/// A refusal may be under way for so long after its reason is gone.
const REFUSAL_NS: u64 = 3_000 * NS_PER_MS;

/// Chances in 10,000 steps.
struct Rates {
    ends: u64,
    stops: u64,
    cuts: u64,
    stalls: u64,
    disk: u64,
    slow: u64,
    jumps: u64,
    lulls: u64,
}

impl Rates {
    const fn of(mood: Mood) -> Rates {
        let few =
            Rates { ends: 20, stops: 3, cuts: 30, stalls: 30, disk: 15, slow: 15, jumps: 10, lulls: 40 };
        match mood {
            Mood::Mixed => few,
            Mood::Crashing => Rates { ends: 70, stops: 8, ..few },
            Mood::Slow => Rates { slow: 90, ends: 12, disk: 30, ..few },
            Mood::Flaky => Rates { cuts: 200, stalls: 200, ..few },
            Mood::Calm => {
                Rates { ends: 0, stops: 3, cuts: 0, stalls: 0, disk: 0, slow: 5, jumps: 0, lulls: 60 }
            }
        }
    }
}

impl World {
    /// Something may go wrong in this step.
    pub fn faults(&mut self) -> Checked {
        let now_ns = self.now_ns();
        if self.full_until_ns.is_some_and(|until| until <= now_ns) {
            self.full_until_ns = None;
            self.disk.fill(false);
        }
        let Rates { ends, stops, cuts, stalls, disk, slow, jumps, lulls } = Rates::of(self.plan.mood);
        let mut dice = self.rng.below(10_000);
        let mut falls_in = |rate: u64| {
            let hit = dice < rate;
            dice = dice.wrapping_sub(rate);
            hit
        };
        let kinds = [ends, stops, cuts, stalls, disk, slow, jumps, lulls];
        // The dice go below zero, that is far above every rate, once one has hit.
        let hit = kinds.into_iter().position(&mut falls_in);
        match hit {
            Some(0) => self.let_end()?,
            Some(1) if self.process.is_some() && !self.stopping => self.stop(),
            Some(2) => {
                if let Some(pipe) = self.some_pipe() {
                    trace::note("cut", 0, 0, 0);
                    self.wires.lock().cut(pipe);
                }
            }
            Some(3) => {
                let until_ns = now_ns + self.rng.below(200) * NS_PER_MS;
                if let Some(pipe) = self.some_pipe() {
                    self.wires.lock().stall(pipe, until_ns);
                }
            }
            Some(4) => self.disk_fault(),
            Some(5) => self.slow_disk(),
            Some(6) => {
                let ms = self.rng.below(20_000).cast_signed() - 10_000;
                trace::note("clock set", ms, 0, 0);
                self.clock.jump(ms);
            }
            Some(7) => self.lull_until_ns = now_ns + self.rng.below(1_500) * NS_PER_MS,
            _ => {}
        }
        Ok(())
    }

    /// The process will end at one of its next changes of the disk, or ends now.
    fn let_end(&mut self) -> Checked {
        if self.process.is_none() {
            return Ok(());
        }
        self.end = if self.rng.below(3) == 0 { End::Kill } else { End::Power };
        if self.rng.below(4) == 0 {
            return self.crash(self.end);
        }
        self.disk.disk.end_after(Some(1 + self.rng.below(12)));
        Ok(())
    }

    fn disk_fault(&mut self) {
        let fault = match self.rng.below(7) {
            0 => Fault::JournalWrite,
            1 => Fault::JournalSync,
            2 => Fault::SegmentWrite,
            3 => Fault::SegmentSync,
            4 | 5 => Fault::Read,
            _ => {
                trace::note("disk full", 0, 0, 0);
                self.full_until_ns = Some(self.now_ns() + self.rng.below(3_000) * NS_PER_MS);
                self.disk.fill(true);
                return;
            }
        };
        // A read may be the one that makes a missing index, so it meets the faults of writes too.
        self.reads_may_fail |= !matches!(fault, Fault::JournalWrite | Fault::JournalSync);
        self.disk.arm(fault);
    }

    /// One of the pools does nothing for a while.
    fn slow_disk(&mut self) {
        let longest_ms = if self.plan.mood == Mood::Slow { 4_000 } else { 900 };
        let until_ns = self.now_ns() + self.rng.below(longest_ms) * NS_PER_MS;
        if let Some(process) = &self.process {
            let at = self.rng.below(process.benches.len() as u64) as usize;
            // Commits are slow too, but not for so long.
            let until_ns =
                if at.is_multiple_of(2) { until_ns.min(self.now_ns() + 60 * NS_PER_MS) } else { until_ns };
            process.benches[at].stall(self.now_ns(), until_ns);
        }
    }

    /// Asks for a clean stop.
    pub fn stop(&mut self) {
        if let Some(process) = &self.process {
            trace::note("stops", 0, 0, 0);
            process.stop();
            self.stopping = true;
        }
    }

    /// No fault is left.
    pub fn heal(&mut self) -> Checked {
        self.disk.disarm();
        self.disk.disk.end_after(None);
        self.full_until_ns = None;
        for bench in self.process.iter().flat_map(|process| &process.benches) {
            bench.resume();
        }
        let restored = self.rotten.is_some();
        self.mend();
        if self.reads_may_fail {
            self.reads_fail_until_ns = self.now_ns() + REFUSAL_NS;
        }
        self.reads_may_fail = false;
        // Whoever restores a file starts the node again: a log that was found damaged takes nothing before.
        if restored { self.crash(End::Kill) } else { Ok(()) }
    }

    /// The process ends here, and another one finds what is left.
    pub fn crash(&mut self, end: End) -> Checked {
        let Some(process) = self.process.take() else { return Ok(()) };
        trace::note("ends by (1: power)", i64::from(end == End::Power), 0, 0);
        self.reached.count(Situation::CheckpointRace, process.has_untold_segment() && !self.stopping);
        self.reached.count(Situation::OpenTransaction, self.transactor.is_open());
        drop(process);
        self.stopping = false;
        self.disk.disarm();
        self.full_until_ns = None;
        self.reads_may_fail = false;
        self.disk.disk.crash(end, &mut self.rng);
        self.restart(!self.settling)
    }

    /// Starts the node, which may be disturbed in it.
    pub fn restart(&mut self, disturbed: bool) -> Checked {
        self.mend();
        for shard in 0..self.plan.shards {
            let survey = Survey::of(&self.disk.disk, shard);
            self.reached.count(Situation::TornCommit, survey.is_torn());
            self.reached.count(Situation::RecycledBytes, survey.goes_on_over_old_bytes());
        }
        if disturbed && self.plan.mood != Mood::Calm {
            self.rot()?;
        }
        for attempt in 0.. {
            self.clock.advance(self.rng.below(300) * NS_PER_MS);
            trace::at(self.now_ns());
            let calm = !disturbed || attempt > 3 || self.plan.mood == Mood::Calm;
            let disturbance = if calm { 9 } else { self.rng.below(10) };
            match disturbance {
                0 | 1 => self.disk.disk.end_after(Some(1 + self.rng.below(6))),
                2 => self.disk.arm(Fault::Read),
                _ => {}
            }
            let hits = self.disk.seen().hits;
            let opened = Process::start(&self.plan, &self.disk, &self.clock, &self.wires, &mut self.rng);
            self.disk.disarm();
            if self.disk.disk.ended() {
                let end = if self.rng.below(2) == 0 { End::Kill } else { End::Power };
                self.disk.disk.crash(end, &mut self.rng);
                continue;
            }
            self.disk.disk.end_after(None);
            match opened {
                Ok(process) => {
                    trace::note("starts", i64::from(self.plan.shards), attempt, 0);
                    self.process = Some(process);
                    return Ok(());
                }
                Err(_) if self.disk.seen().hits > hits => {}
                Err(what) => return Err(format!("the node does not start: {what}")),
            }
        }
        unreachable!("after a few attempts nothing disturbs it")
    }

    /// A bit may have flipped while the node was down: in the journal, which it must refuse, or in a segment.
    fn rot(&mut self) -> Checked {
        match self.rng.below(8) {
            0 => {
                let shard = self.rng.below(u64::from(self.plan.shards)) as u16;
                match Survey::of(&self.disk.disk, shard).needed_byte(&mut self.rng) {
                    Some(place) => self.rotten_journal(&place),
                    None => Ok(()),
                }
            }
            1 | 2 => {
                if let Some(place) = survey::segment_byte(&self.disk.disk, &mut self.rng) {
                    trace::note("segment rots", place.position.cast_signed(), 0, 0);
                    let was = self.byte_at(&place);
                    self.disk.disk.flip(&place.path, place.position);
                    self.rotten = Some((place, was));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn byte_at(&self, place: &Place) -> u8 {
        let bytes = survey::read(&self.disk.disk, &place.path);
        bytes[usize::try_from(place.position).expect("files are small")]
    }

    fn rotten_journal(&mut self, place: &Place) -> Checked {
        trace::note("journal rots", place.position.cast_signed(), 0, 0);
        self.disk.disk.flip(&place.path, place.position);
        let opened = Process::start(&self.plan, &self.disk, &self.clock, &self.wires, &mut self.rng);
        self.disk.disk.flip(&place.path, place.position);
        let path: &PathBuf = &place.path;
        match opened {
            // A version is a byte too.
            Err(what) if what.contains("damaged") || what.contains("newer version") => {
                self.reached.count(Situation::Rot, true);
                Ok(())
            }
            Err(what) => Err(format!("{} rots, and the node says: {what}", path.display())),
            Ok(_) => Err(format!("{} rots at byte {}, and the node starts", path.display(), place.position)),
        }
    }

    /// The byte is what it was.
    fn mend(&mut self) {
        if let Some((place, was)) = self.rotten.take() {
            self.disk.disk.mend(&place.path, place.position, was);
            self.reads_fail_until_ns = self.now_ns() + REFUSAL_NS;
            self.reached.count(Situation::Rot, self.refused_reads > 0);
        }
        self.refused_reads = 0;
    }
}
