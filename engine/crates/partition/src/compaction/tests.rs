use super::*;
use batch::{Codec, split};
use model::Epoch;

const NOW_MS: i64 = 1_000_000_000_000;

fn terms(now_ms: i64, delete_retention_ms: i64) -> Terms {
    let (from, upto) = (Offset::ZERO, Offset(1_000));
    Terms { now_ms, delete_retention_ms, from, upto, last_of: BTreeMap::new() }
}

fn batch(offset: i64, codec: Codec, records: &[(&str, Option<&str>, i64)]) -> Vec<u8> {
    of(Builder::new(), offset, codec, records)
}

fn of(mut builder: Builder, offset: i64, codec: Codec, records: &[(&str, Option<&str>, i64)]) -> Vec<u8> {
    for (key, value, timestamp) in records {
        let headers: &[(&[u8], Option<&[u8]>)] = &[(b"origin", Some(b"here"))];
        builder.push(*timestamp, Some(key.as_bytes()), value.map(str::as_bytes), headers);
    }
    let mut bytes = builder.finish(codec);
    batch::stamp(&mut bytes, Offset(offset), Epoch(0));
    bytes
}

/// All batches learned, then each asked for.
fn compact(terms: Terms, batches: &[u8]) -> Vec<u8> {
    compact_with(terms, 1 << 20, &[], batches).0
}

fn compact_with(
    terms: Terms,
    map_bytes_max: usize,
    aborted: &[Aborted],
    batches: &[u8],
) -> (Vec<u8>, Offset) {
    let mut compactor = KeyCompactor::new(terms, map_bytes_max, 3);
    compactor.aborted(aborted.to_vec());
    let mut end = Offset::ZERO;
    for item in split(batches) {
        let (header, bytes) = item.expect("whole");
        match compactor.learn(&header, bytes).expect("readable") {
            Learned::Whole => end = header.next_offset(),
            Learned::Before(offset) => {
                end = offset;
                break;
            }
        }
    }
    compactor.learned(end);
    let mut kept = Vec::new();
    for item in split(batches) {
        let (header, bytes) = item.expect("whole");
        match compactor.keep(&header, bytes).expect("readable") {
            Kept::Whole => kept.extend_from_slice(bytes),
            Kept::Changed(new) => kept.extend(new),
            Kept::Gone => {}
        }
    }
    (kept, end)
}

fn headers(batches: &[u8]) -> Vec<Header> {
    split(batches).map(|item| item.expect("whole").0).collect()
}

fn shown(batches: &[u8]) -> Vec<String> {
    let mut shown = Vec::new();
    for batch in split(batches) {
        let (header, bytes) = batch.expect("whole");
        batch::check_crc(&header, bytes).expect("sealed");
        let mut scratch = Vec::new();
        let section = section(&header, bytes, &mut scratch, 1 << 20).expect("readable");
        for record in records(&header, section) {
            let record = record.expect("readable");
            let text =
                |bytes: Option<&[u8]>| bytes.map_or("-".into(), |b| String::from_utf8_lossy(b).into_owned());
            assert!(header.attributes.is_control() || record.headers.count() == 1, "headers stay");
            shown.push(format!("{} {}={}", record.offset, text(record.key), text(record.value)));
        }
    }
    shown
}

#[test]
fn the_last_record_of_each_key_stays_at_its_offset() {
    for codec in Codec::ALL {
        let batches = [
            batch(0, codec, &[("a", Some("1"), NOW_MS), ("b", Some("1"), NOW_MS + 5)]),
            batch(2, codec, &[("a", Some("2"), NOW_MS)]),
            batch(3, codec, &[("c", Some("1"), NOW_MS), ("a", Some("3"), NOW_MS)]),
        ]
        .concat();
        let kept = compact(terms(NOW_MS, 0), &batches);
        assert_eq!(shown(&kept), ["1 b=1", "3 c=1", "4 a=3"]);
        let [first, second] = headers(&kept)[..] else { panic!("the batch without records is gone") };
        assert_eq!(first.attributes.codec(), Ok(codec), "compressed as it was");
        let times = (first.base_timestamp, first.max_timestamp, first.last_offset_delta, first.base_offset);
        assert_eq!(times, (NOW_MS + 5, NOW_MS + 5, 1, Offset(0)));
        assert_eq!(second.record_count, 2);
        assert_eq!(compact(terms(NOW_MS, 0), &kept), kept, "nothing left to do");
    }
}

#[test]
fn deletions_stay_until_the_time_that_the_first_compaction_notes_in_their_batch() {
    let old = NOW_MS - 1_000_000;
    let batches = [
        batch(0, Codec::None, &[("a", Some("1"), old), ("b", Some("1"), old)]),
        batch(2, Codec::Lz4, &[("a", None, old), ("c", Some("1"), old + 7)]),
    ]
    .concat();
    let kept = compact(terms(NOW_MS, 1_000), &batches);
    assert_eq!(shown(&kept), ["1 b=1", "2 a=-", "3 c=1"]);
    let [plain, noted] = headers(&kept)[..] else { panic!("two batches") };
    assert!(!plain.attributes.has_delete_horizon() && noted.attributes.has_delete_horizon());
    assert_eq!((noted.base_timestamp, noted.max_timestamp), (NOW_MS + 1_000, old + 7));
    let again = compact(terms(NOW_MS + 999, 1_000), &kept);
    assert_eq!(again, kept, "the time is noted once");
    assert_eq!(shown(&compact(terms(NOW_MS + 1_000, 1_000), &kept)), ["1 b=1", "3 c=1"]);
}

#[test]
fn a_producers_last_batch_and_the_last_of_all_outlive_their_records() {
    let of = |offset, sequence, key| {
        of(Builder::new().producer(7, 0, sequence), offset, Codec::Zstd, &[(key, Some("1"), NOW_MS)])
    };
    let newest = batch(2, Codec::None, &[("a", Some("2"), NOW_MS)]);
    let batches = [of(0, 5, "a"), of(1, 6, "a"), newest].concat();
    let with = |last: Option<i64>, upto: i64| Terms {
        last_of: last.map(|last| (7, LastOf::Batch(Offset(last)))).into_iter().collect(),
        upto: Offset(upto),
        ..terms(NOW_MS, 0)
    };
    assert_eq!(headers(&compact(with(None, 1_000), &batches)).len(), 1, "nobody asks for it any more");
    let kept = compact(with(Some(1), 1_000), &batches);
    let [empty, _] = headers(&kept)[..] else { panic!("its last batch stays") };
    assert_eq!((empty.base_offset, empty.record_count, empty.last_sequence()), (Offset(1), 0, 6));
    assert_eq!((empty.base_timestamp, empty.max_timestamp), (-1, NOW_MS), "as Kafka writes it");
    assert_eq!(empty.attributes.codec(), Ok(Codec::None));
    assert_eq!(shown(&kept), ["2 a=2"]);
    assert_eq!(compact(with(Some(1), 1_000), &kept), kept);
    let tail = batch(3, Codec::None, &[("x", None, NOW_MS)]);
    let gone = compact(terms(NOW_MS, 0), &tail);
    assert_eq!(headers(&compact(with(None, 4), &gone)).len(), 1, "the end of what was looked at can be seen");
    assert_eq!(headers(&compact(with(None, 9), &gone)).len(), 0);
}

#[test]
fn what_does_not_fit_into_memory_stays_for_the_next_time() {
    let keys: Vec<String> = (0..50).map(|n| format!("key-{n}")).collect();
    let write = |offset: i64, value: &str| {
        let records: Vec<_> = keys.iter().map(|key| (key.as_str(), Some(value), NOW_MS)).collect();
        batch(offset, Codec::None, &records)
    };
    let batches = [write(0, "old"), write(50, "new")].concat();
    let (mut log, mut from, mut passes) = (batches, Offset::ZERO, 0);
    while from < Offset(100) {
        let (kept, end) = compact_with(Terms { from, ..terms(NOW_MS, 0) }, 32 * 20, &[], &log);
        assert!(end > from, "each pass goes on");
        let newest = shown(&kept).iter().filter(|record| record.ends_with("=new")).count();
        assert_eq!(newest, 50, "what is not known is not touched");
        (log, from, passes) = (kept, end, passes + 1);
    }
    assert!(passes > 2);
    assert!(shown(&log).iter().all(|record| record.ends_with("=new")));
}

#[test]
fn records_without_a_key_go_once_the_log_is_compacted() {
    let mut builder = Builder::new();
    builder.push(NOW_MS, None, Some(b"x"), &[(b"origin", None)]);
    builder.push(NOW_MS, Some(b""), Some(b"y"), &[(b"origin", None)]);
    let kept = compact(terms(NOW_MS, 0), &builder.finish(Codec::None));
    assert_eq!(shown(&kept), ["1 =y"], "the empty key is a key");
}

fn marker(offset: i64, kind: batch::ControlKind, producer: i64) -> Vec<u8> {
    let mut bytes = batch::control_batch(kind, producer, 0, 0, NOW_MS);
    batch::stamp(&mut bytes, Offset(offset), Epoch(0));
    bytes
}

#[test]
fn aborted_records_go_and_markers_stay_while_anything_of_their_transaction_does() {
    let begun = |offset, producer, key| {
        let builder = Builder::new().producer(producer, 0, 0).transactional();
        of(builder, offset, Codec::None, &[(key, Some("1"), NOW_MS)])
    };
    let batches = [
        begun(0, 1, "a"),
        begun(1, 2, "a"),
        marker(2, batch::ControlKind::Abort, 2),
        marker(3, batch::ControlKind::Commit, 1),
    ]
    .concat();
    let at = |now_ms| terms(now_ms, 1_000);
    let aborted = Aborted { producer_id: 2, first: Offset(1), last: Offset(2), last_stable: Offset(0) };
    let compact = |terms, batches: &[u8]| compact_with(terms, 1 << 20, &[aborted], batches).0;
    let kept = compact(at(NOW_MS), &batches);
    let offsets =
        |batches: &[u8]| headers(batches).iter().map(|header| header.base_offset.0).collect::<Vec<_>>();
    assert_eq!(offsets(&kept), [0, 2, 3], "an aborted record hides no committed one of its key");
    assert!(headers(&kept).iter().all(|header| !header.attributes.has_delete_horizon()));
    let noted = compact(at(NOW_MS), &kept);
    let horizons: Vec<bool> = headers(&noted).iter().map(|h| h.attributes.has_delete_horizon()).collect();
    assert_eq!(horizons, [false, true, false], "nothing is left of the aborted one");
    assert_eq!(compact(at(NOW_MS + 999), &noted), noted);
    assert_eq!(offsets(&compact(at(NOW_MS + 1_000), &noted)), [0, 3]);
}
