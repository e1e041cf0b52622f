//! Free files that are made larger while the journal goes on.

use std::sync::Arc;

use io::{Job, SplitMix, Storage};
use journal::{GroupMark, Journal, Options, Record, Replay, Replayed, State};
use model::{GroupId, LogIndex};
use sim::disk::SimDisk;

const BLOCK: usize = 4096;
const BATCH_BYTES: usize = 3 * BLOCK;

struct Empty;

impl Replay for Empty {
    fn replay(&mut self, _: Replayed, _: Record<'_>) -> Result<(), String> {
        Ok(())
    }
}

/// The smallest file is taken first and is the first to be made larger: never while a turn is about to go to it.
#[test]
fn the_file_that_a_turn_goes_to_is_not_made_anew() {
    let disk = SimDisk::default();
    let storage: Arc<dyn Storage> = Arc::new(disk.clone());
    let options = Options {
        dir: "/j".into(),
        file_bytes_first: 16 * BLOCK as u64,
        file_bytes: 32 * BLOCK as u64,
        files_max: 5,
        tail_bytes_max: 0,
        accept_loss: false,
    };
    let mut journal = Journal::open(&storage, &options, &mut SplitMix(1), &mut Empty).unwrap();
    let mut mark = GroupMark::default();
    let mut written = Vec::new();
    let (mut filled, mut begun, mut grown) = (false, false, false);
    for number in 0..200_u8 {
        if !journal.takes(&mark, BATCH_BYTES) {
            // Every file is full. Now all but the last are free at once.
            filled = true;
            journal.free_through(journal.turn_file_use() - 1);
            let done = journal.seal().expect("a start to record").run(&disk);
            journal.committed(done).unwrap();
            assert!(journal.takes(&mark, BATCH_BYTES));
        }
        let batch = [number; BATCH_BYTES];
        let record = Record::Append { first: LogIndex(u64::from(number)), rolls: true, batch: &batch };
        let place = journal.record(GroupId(1), &mut mark, &State::default, &record);
        // Asked for the first time when a turn goes to the small file: it is free until that turn is sealed.
        begun |= filled && (place.position as usize) < BLOCK;
        let making = if begun || !filled { journal.next_file() } else { None };
        let done = journal.seal().expect("recorded").run(&disk);
        journal.committed(done).unwrap();
        if let Some(making) = making {
            grown |= begun;
            journal.file_made(making.run(&disk));
        }
        written.push((number, place));
        written.retain(|(_, place)| journal.holds(*place));
        for (number, place) in &written {
            let bytes = journal.cold(*place).expect("its file is there").read().unwrap();
            assert!(bytes.iter().all(|byte| byte == number), "what commit {} says is gone", place.commit);
        }
    }
    assert!(grown, "the first file was made larger");
}
