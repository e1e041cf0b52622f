//! The operations of a life, in order. Each asserts that it really did what its name says.

use std::path::Path;

use io::Storage;
use model::{GroupId, TopicId};
use partition::TopicConfig;

use super::{Go, Life, compacted, topic};

const ORDERS: TopicId = TopicId([1; 16]);
const OFFSETS: TopicId = TopicId([2; 16]);
const PASSING: TopicId = TopicId([3; 16]);
const BATCH: usize = 5_000;
/// More than all files of the journal hold.
const ROUND: usize = 8 * 32 * 1024 / BATCH + 8;

type Operation = (&'static str, fn(&mut Life) -> Go);

pub const OPERATIONS: [Operation; 11] = [
    ("create topic", create),
    ("journal", journal),
    ("write-behind", write_behind),
    ("roll", roll),
    ("producers", producers),
    ("checkpoint", checkpoint),
    ("retention", retention),
    ("compaction", compaction),
    ("delete topic", delete),
    ("create it again", create_again),
    ("stop", stop),
];

fn orders() -> TopicConfig {
    TopicConfig { segment_bytes: 30_000, ..TopicConfig::default() }
}

fn create(life: &mut Life) -> Go {
    life.name(topic(1, orders(), &[1, 2]));
    life.name(topic(3, orders(), &[4]));
    life.settle()?;
    assert!(life.store().log_info(GroupId(2)).is_some());
    Ok(())
}

fn journal(life: &mut Life) -> Go {
    life.send_durably(GroupId(1), None, 100)?;
    life.send_durably(GroupId(1), None, 9_000)?; // more than two blocks
    life.send_durably(GroupId(4), None, 100)
}

fn write_behind(life: &mut Life) -> Go {
    for n in 0..6 {
        life.send_durably(GroupId(1 + n % 2), None, BATCH)?;
    }
    life.settle()?;
    assert!(life.segments(ORDERS, GroupId(1)) >= 1, "files were written");
    Ok(())
}

fn roll(life: &mut Life) -> Go {
    for _ in 0..12 {
        life.send_durably(GroupId(1), None, BATCH)?;
    }
    life.settle()?;
    assert!(life.segments(ORDERS, GroupId(1)) >= 2, "a second segment was begun");
    Ok(())
}

/// More than a State holds.
fn producers(life: &mut Life) -> Go {
    for id in 1_000..1_070 {
        life.send_as(Some(id), GroupId(2), None, 20)?;
    }
    life.settle()?;
    let dir = format!("data/topics/{ORDERS}/1-2");
    let files = life.disk.list(Path::new(&dir)).expect("listable");
    assert!(files.iter().any(|path| path.extension().is_some_and(|suffix| suffix == "snapshot")));
    Ok(())
}

fn checkpoint(life: &mut Life) -> Go {
    for n in 0..ROUND {
        life.send_durably(GroupId(if n % 16 == 0 { 4 } else { 2 }), None, BATCH)?;
        life.pass_ms(10);
    }
    life.settle()
}

fn retention(life: &mut Life) -> Go {
    let before = life.segments(ORDERS, GroupId(1));
    life.name(topic(1, TopicConfig { retention_bytes: Some(40_000), ..orders() }, &[1, 2]));
    // What a crash finds may lie anywhere up to where retention may take it.
    let end = life.store().log_info(GroupId(1)).expect("here").watermarks.log_end.0;
    let end_2 = life.store().log_info(GroupId(2)).expect("here").watermarks.log_end.0;
    life.allow_start(GroupId(1), end);
    life.allow_start(GroupId(2), end_2);
    life.pass_ms(1_500);
    life.settle()?;
    assert!(life.log_start(GroupId(1)) > 0 && life.log_start(GroupId(2)) > 0, "records went");
    life.settle()?;
    assert!(life.segments(ORDERS, GroupId(1)) < before, "with their files");
    life.name(topic(1, orders(), &[1, 2]));
    life.settle()
}

fn compaction(life: &mut Life) -> Go {
    let config = TopicConfig { cleanup: compacted(), segment_bytes: 9_000, ..TopicConfig::default() };
    life.name(topic(2, config, &[3]));
    for n in 0..40_u8 {
        life.send_durably(GroupId(3), Some(n % 4), 2_500)?;
        life.pass_ms(100);
    }
    life.settle()?;
    assert!(life.read_all(GroupId(3))?.len() < 30, "older values of each key went");
    assert!(life.segments(OFFSETS, GroupId(3)) > 0);
    Ok(())
}

fn delete(life: &mut Life) -> Go {
    life.delete(PASSING);
    life.settle()?;
    assert_eq!(life.segments(PASSING, GroupId(4)), 0, "its files are gone");
    Ok(())
}

fn create_again(life: &mut Life) -> Go {
    life.name(topic(4, orders(), &[5]));
    life.settle()?;
    life.send_durably(GroupId(5), None, 200)
}

fn stop(life: &mut Life) -> Go {
    life.close()
}
