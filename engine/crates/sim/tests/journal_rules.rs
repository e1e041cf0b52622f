//! The journal's rules hold, and the search that says so notices when one is missing.

use journal::rules::{Rule, switch_off};
use sim::disk::End;
use sim::journal_model::{DIRECTED, Directed, end_at_every_change, search};

#[test]
fn no_crash_loses_or_changes_what_was_acknowledged() {
    let report = search(1, 4_000, 1);
    assert!(report.violations.is_empty(), "{:?}", report.violations);
    assert!(report.states >= 4_000);
}

/// The cheap ones; `journal_model --rule all` searches for every rule.
#[test]
fn a_missing_rule_is_noticed() {
    for rule in [
        Rule::StateFirst,
        Rule::SyncBeforeFlushed,
        Rule::SyncDirectory,
        Rule::StateMarkers,
        Rule::Rewrite,
        Rule::Salt,
        Rule::Continues,
        Rule::NothingBehindMark,
        Rule::CachedInJournal,
    ] {
        switch_off(Some(rule));
        let report = search(1, 4_000, 1);
        switch_off(None);
        assert!(!report.violations.is_empty(), "{rule:?} switched off and nothing noticed");
    }
}

/// What no search can find yet has a test of its own.
#[test]
fn a_missing_rule_without_a_situation_is_noticed_too() {
    for Directed { name, rule, play } in DIRECTED {
        assert_eq!(play(), Ok(()), "{name}");
        switch_off(Some(rule));
        let broken = play();
        switch_off(None);
        assert!(broken.is_err(), "{name}: {rule:?} switched off and nothing noticed");
    }
}

#[test]
fn a_life_may_end_at_any_change_of_the_disk() {
    for end in [End::Kill, End::Power] {
        for seed in [1, 1000, 2000] {
            let changes = end_at_every_change(seed, end).unwrap();
            assert!(changes > 100, "a life of {changes} changes shows little");
        }
    }
}
