//! What was sent to a partition, and what must be found of it.

use model::GroupId;

/// One record.
pub struct Sent {
    pub base: i64,
    pub key: Option<u8>,
    pub value: Vec<u8>,
    pub bytes: Vec<u8>,
    pub acked: bool,
    /// No other batch of its producer follows.
    pub last_of_producer: bool,
}

/// What was sent to a partition, by offset, and how far its beginning may be gone.
#[derive(Default)]
pub struct Sends {
    pub list: Vec<Sent>,
    pub log_start: i64,
    pub compacted: bool,
    pub sequence: i32,
    /// Batches that a crash took, each its producer's only one.
    pub taken: Vec<Sent>,
}

impl Sends {
    /// Whether what was found is what was sent; from here on that is what there is.
    pub fn check(&mut self, group: GroupId, log_start: i64, log_end: i64, found: &[(i64, Vec<u8>)]) {
        let who = group.0;
        assert!(log_start <= self.log_start, "group {who}: begins at {log_start}, not {}", self.log_start);
        for (offset, value) in found {
            let sent = self.list.iter().find(|sent| sent.base == *offset);
            let sent = sent.unwrap_or_else(|| panic!("group {who}: nobody sent offset {offset}"));
            assert!(sent.value == *value, "group {who}: offset {offset} is not what was sent");
        }
        assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0), "group {who}: offsets rise");
        let there = |base: i64| found.iter().any(|(offset, _)| *offset == base);
        for sent in self.list.iter().filter(|sent| sent.acked && sent.base >= log_start) {
            let newer = |other: &Sent| other.key == sent.key && other.base > sent.base && there(other.base);
            let replaced = self.compacted && self.list.iter().any(newer);
            assert!(there(sent.base) || replaced, "group {who}: acknowledged offset {} is gone", sent.base);
        }
        let (kept, taken): (Vec<Sent>, Vec<Sent>) =
            std::mem::take(&mut self.list).into_iter().partition(|sent| sent.base < log_end);
        self.list = kept;
        self.taken = taken.into_iter().filter(|sent| sent.last_of_producer).collect();
        self.list.iter_mut().for_each(|sent| sent.acked = true);
    }
}

/// The offsets that a loss names.
pub fn range(loss: &str) -> (i64, i64) {
    let numbers = loss.split("offsets ").nth(1).expect("a loss names offsets");
    let words: Vec<&str> = numbers.split(' ').collect();
    match words[..] {
        [from, "to", upto, ..] => (from.parse().expect("a number"), upto.parse().expect("a number")),
        ["from", from, ..] => (from.parse().expect("a number"), i64::MAX),
        _ => panic!("no range in {loss}"),
    }
}
