//! A quorum of one: it always leads, and what is durable here is committed.
//!
//! The first epoch begins when the log is made. A restart that gave nothing up begins no new one: nobody else could have
//! led meanwhile.

use journal::Marker;
use model::{Epoch, LogIndex};

use crate::replica::{Effect, Event, Replica};

/// The replica of a partition that stands alone.
///
/// Invariant: `commit` never falls.
#[derive(Clone, Copy, Debug)]
pub struct Solo {
    node: i32,
    epoch: Epoch,
    commit: LogIndex,
}

impl Solo {
    /// A replica that has not been opened.
    #[must_use]
    pub const fn new(node: i32) -> Solo {
        Solo { node, epoch: Epoch::NONE, commit: LogIndex(0) }
    }
}

impl Replica for Solo {
    fn step(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Opened { end, epoch, .. } if epoch == Epoch::NONE => {
                assert_eq!(end, LogIndex(0), "a log with elements has an epoch");
                self.epoch = Epoch(0);
                effects.push(Effect::Append(Marker::EpochStart { epoch: self.epoch, leader: self.node }));
            }
            Event::Opened { end, epoch, gave_up } => {
                self.epoch = epoch;
                self.commit = end;
                effects.push(Effect::Committed { commit: end });
                if gave_up {
                    self.epoch = Epoch(epoch.0 + 1);
                    effects.push(Effect::Append(Marker::EpochStart { epoch: self.epoch, leader: self.node }));
                }
            }
            Event::Appended { .. } => {}
            Event::Durable { end } => {
                if end > self.commit {
                    self.commit = end;
                    effects.push(Effect::Committed { commit: end });
                }
            }
        }
    }

    fn leads(&self) -> bool {
        self.epoch != Epoch::NONE
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn commit(&self) -> LogIndex {
        self.commit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(solo: &mut Solo, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        solo.step(event, &mut effects);
        effects
    }

    #[test]
    fn the_first_epoch_begins_with_the_log_and_is_committed_when_durable() {
        let mut solo = Solo::new(4);
        assert!(!solo.leads());
        let effects = step(&mut solo, Event::Opened { end: LogIndex(0), epoch: Epoch::NONE, gave_up: false });
        assert_eq!(effects, [Effect::Append(Marker::EpochStart { epoch: Epoch(0), leader: 4 })]);
        assert!(solo.leads());
        assert_eq!(step(&mut solo, Event::Appended { end: LogIndex(1) }), []);
        assert_eq!(solo.commit(), LogIndex(0), "appended is not durable");
        let committed = [Effect::Committed { commit: LogIndex(1) }];
        assert_eq!(step(&mut solo, Event::Durable { end: LogIndex(1) }), committed);
        assert_eq!(step(&mut solo, Event::Durable { end: LogIndex(1) }), [], "told once");
    }

    #[test]
    fn a_restart_begins_no_epoch_and_everything_there_is_committed() {
        let mut solo = Solo::new(4);
        let effects = step(&mut solo, Event::Opened { end: LogIndex(9), epoch: Epoch(3), gave_up: false });
        assert_eq!(effects, [Effect::Committed { commit: LogIndex(9) }]);
        assert_eq!((solo.epoch(), solo.commit(), solo.leads()), (Epoch(3), LogIndex(9), true));
    }

    #[test]
    fn a_restart_that_gave_something_up_begins_an_epoch() {
        let mut solo = Solo::new(4);
        let opened = Event::Opened { end: LogIndex(9), epoch: Epoch(3), gave_up: true };
        let marker = Marker::EpochStart { epoch: Epoch(4), leader: 4 };
        let effects = [Effect::Committed { commit: LogIndex(9) }, Effect::Append(marker)];
        assert_eq!(step(&mut solo, opened), effects);
        assert_eq!(solo.epoch(), Epoch(4));
    }
}
