//! A segment that the log start passed is unlinked only when the record that allows it is durable.

use std::path::PathBuf;
use std::sync::Arc;

use batch::{Builder, Codec, Header, stamp};
use io::{Job, RealStorage, SplitMix, Storage};
use journal::{Journal, Options};
use log::{Logs, SegmentLimits, segment};
use model::{Epoch, GroupId, Offset, PartitionIndex, TopicId};

const GROUP: GroupId = GroupId(5);

fn open(dir: &std::path::Path) -> (Journal, Logs) {
    let storage: Arc<dyn Storage> = Arc::new(RealStorage);
    let options = Options {
        dir: dir.join("journal"),
        file_bytes_first: 1 << 21,
        file_bytes: 1 << 21,
        files_max: 8,
        tail_bytes_max: 1 << 20,
        accept_loss: false,
    };
    Logs::open(&storage, &options, &dir.join("topics"), &mut SplitMix(1), &mut ()).unwrap()
}

fn append(journal: &mut Journal, logs: &mut Logs) {
    let log = logs.get_mut(GROUP).unwrap();
    let mut builder = Builder::new();
    builder.push(1, None, Some(&[7; 400]), &[]);
    let mut bytes = builder.finish(Codec::None);
    stamp(&mut bytes, log.end(), Epoch(1));
    log.append_batch(journal, &Header::read(&bytes).unwrap(), &bytes, &Vec::new);
}

fn commit(journal: &mut Journal, logs: &mut Logs) {
    let done = journal.seal().unwrap().run(&RealStorage);
    let committed = journal.committed(done).unwrap();
    logs.committed(journal, &committed);
}

fn write_behind(journal: &mut Journal, logs: &mut Logs) {
    let done = logs.write_behind(journal, GROUP, usize::MAX, true).unwrap().run(&RealStorage);
    assert!(logs.job_done(journal, done, &|_| Vec::new()).unwrap().is_none());
}

#[test]
fn nothing_is_unlinked_before_its_log_start_is_durable() {
    let dir: PathBuf = std::env::temp_dir().join(format!("headrace-log-start-{}", std::process::id()));
    RealStorage.remove_dir_all(&dir).unwrap();
    RealStorage.create_dir_all(&dir).unwrap();
    let (mut journal, mut logs) = open(&dir);
    let log = logs.create(&mut journal, GROUP, TopicId([3; 16]), PartitionIndex(0));
    log.configure(SegmentLimits { bytes: 500, ..SegmentLimits::default() });
    let files = log.dir();
    (0..3).for_each(|_| append(&mut journal, &mut logs));
    commit(&mut journal, &mut logs);
    write_behind(&mut journal, &mut logs);
    commit(&mut journal, &mut logs); // the flushed mark
    drop((journal, logs));

    let (mut journal, mut logs) = open(&dir); // the first write-behind after a start tidies the directory
    append(&mut journal, &mut logs);
    commit(&mut journal, &mut logs);
    logs.get_mut(GROUP).unwrap().set_start(&mut journal, Offset(2), &Vec::new);
    write_behind(&mut journal, &mut logs);
    let bases = || segment::bases(&RealStorage, &files).unwrap();
    assert_eq!(bases().first(), Some(&Offset(0)), "a crash now would bring the log start back");

    drop((journal, logs));
    let (journal, logs) = open(&dir);
    let log = logs.get(GROUP).unwrap();
    assert_eq!(log.start(), Offset(0));
    assert!(!matches!(log.read(&journal, Offset(0), Offset(1), 1 << 20, true), log::Read::Empty));
    RealStorage.remove_dir_all(&dir).unwrap();
}
