//! What happened to a partition with transactions, and what a reader of committed records must see of it.

use std::collections::{BTreeMap, BTreeSet};

use batch::ControlKind;
use io::{Rng, SplitMix};
use partition::{FetchSpec, Isolation};

use crate::world::{GROUP, World, spec};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Sent { id: i64, transactional: bool },
    Marker { id: i64, committed: bool },
}

/// The log, one record a batch, in order.
#[derive(Default)]
pub struct History(Vec<(i64, Kind)>);

impl History {
    pub fn push(&mut self, base: i64, kind: Kind) {
        self.0.push((base, kind));
    }

    /// A crash took what was not durable.
    pub fn cut(&mut self, end: i64) {
        self.0.retain(|(base, _)| *base < end);
    }

    pub fn sequence(&self, id: i64) -> i32 {
        let sent = self.0.iter().filter(|(_, kind)| matches!(kind, Kind::Sent { id: of, .. } if *of == id));
        i32::try_from(sent.count()).expect("few")
    }

    /// Producers with an open transaction and where it begins.
    fn open(&self) -> BTreeMap<i64, i64> {
        let mut open = BTreeMap::new();
        for (base, kind) in &self.0 {
            match kind {
                Kind::Sent { id, transactional: true } => drop(open.entry(*id).or_insert(*base)),
                Kind::Marker { id, .. } => drop(open.remove(id)),
                Kind::Sent { .. } => {}
            }
        }
        open
    }

    pub fn some_open(&self, rng: &mut SplitMix) -> Option<i64> {
        let open: Vec<i64> = self.open().into_keys().collect();
        open.get(rng.below(open.len().max(1) as u64) as usize).copied()
    }

    pub fn aborted(&self) -> usize {
        self.0.iter().filter(|(_, kind)| matches!(kind, Kind::Marker { committed: false, .. })).count()
    }

    /// Offsets that are to be seen, from an offset on.
    fn visible(&self, from: i64, last_stable: i64) -> Vec<i64> {
        let mut seen = Vec::new();
        let mut undecided: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for (base, kind) in &self.0 {
            match *kind {
                Kind::Sent { transactional: false, .. } => seen.push(*base),
                Kind::Sent { id, .. } => undecided.entry(id).or_default().push(*base),
                Kind::Marker { id, committed } => {
                    let sent = undecided.remove(&id).unwrap_or_default();
                    seen.extend(sent.into_iter().filter(|_| committed));
                }
            }
        }
        seen.retain(|base| (from..last_stable).contains(base));
        seen.sort_unstable();
        seen
    }

    /// As [`check`](Self::check) for a compacted log, where older values of a key may be gone.
    pub fn check_compacted(&self, world: &mut World, key_of: impl Fn(i64) -> u8) {
        let watermarks = world.store.log_info(GROUP).expect("here").watermarks;
        let last_stable = self.open().values().min().copied().unwrap_or(watermarks.log_end.0);
        assert_eq!(watermarks.last_stable.0, last_stable);
        let visible = self.visible(0, last_stable);
        let newest: BTreeMap<u8, i64> = visible.iter().map(|base| (key_of(*base), *base)).collect();
        for from in [0, last_stable / 2] {
            let read = read_committed(world, from, 30_000);
            assert!(read.iter().all(|base| visible.contains(base)), "{read:?} of {visible:?}");
            let kept = newest.values().filter(|base| **base >= from).all(|base| read.contains(base));
            assert!(kept, "{newest:?} of {read:?} from {from}");
        }
    }

    /// Everything is durable: whoever begins anywhere sees what is committed and nothing else.
    pub fn check(&self, world: &mut World) {
        let watermarks = world.store.log_info(GROUP).expect("here").watermarks;
        let end = watermarks.log_end.0;
        let last_stable = self.open().values().min().copied().unwrap_or(end);
        assert_eq!(watermarks.last_stable.0, last_stable);
        let mut starts = vec![0];
        starts.extend((0..12).map(|_| world.rng.below(end.max(1).cast_unsigned()).cast_signed()));
        for from in starts {
            let bytes_max = 1 + world.rng.below(60_000) as usize;
            let read = read_committed(world, from, bytes_max);
            assert_eq!(read, self.visible(from, last_stable), "from {from} of {end}");
        }
    }
}

/// Reads as Kafka's client does: it leaves out the records of producers that the answer calls aborted, from the offset that it
/// names up to their marker.
fn read_committed(world: &mut World, from: i64, bytes_max: usize) -> Vec<i64> {
    let (mut next, mut seen) = (from, Vec::new());
    loop {
        let spec = FetchSpec { isolation: Isolation::ReadCommitted, bytes_max, ..spec(next) };
        let fetched = world.fetch_spec(&spec).expect("readable");
        if fetched.bytes == 0 {
            assert!(next >= fetched.watermarks.last_stable.0, "there is more at {next}");
            return seen;
        }
        let mut aborted: Vec<(i64, i64)> = fetched.aborted.iter().map(|(id, first)| (first.0, *id)).collect();
        aborted.sort_unstable();
        let mut leaves_out = BTreeSet::new();
        for item in fetched.data.iter().flat_map(|bytes| batch::split(bytes)) {
            let (header, bytes) = item.expect("whole batches");
            let begun = aborted.partition_point(|(first, _)| *first <= header.last_offset().0);
            leaves_out.extend(aborted.drain(..begun).map(|(_, id)| id));
            let ended = batch::end_marker(&header, bytes);
            let id = header.producer_id;
            if ended.is_some_and(|marker| marker.kind == ControlKind::Abort) {
                leaves_out.remove(&id);
            }
            let left_out = header.attributes.is_transactional() && leaves_out.contains(&id);
            let is_empty = header.record_count == 0; // compaction left it
            if ended.is_none() && !is_empty && !left_out && header.base_offset.0 >= next {
                seen.push(header.base_offset.0);
            }
            next = next.max(header.next_offset().0);
        }
    }
}
