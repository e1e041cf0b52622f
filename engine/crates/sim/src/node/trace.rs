//! What happened in the run under way: a hash over everything, and the last events in words.
//!
//! One per thread, so that a failed assertion anywhere in the engine can still tell them (see [`last_events`]).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write;

/// Events kept for a failure's report.
const EVENTS_KEPT: usize = 60;

#[derive(Clone, Copy)]
struct Event {
    at_ns: u64,
    what: &'static str,
    numbers: [i64; 3],
}

#[derive(Default)]
struct Trace {
    now_ns: u64,
    hash: u64,
    last: VecDeque<Event>,
    aloud: bool,
}

thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

impl Trace {
    fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

impl Event {
    fn describe(&self) -> String {
        let [a, b, c] = self.numbers;
        format!("{:12.6} s  {} {a} {b} {c}", self.at_ns as f64 / 1e9, self.what)
    }
}

/// Begins a run's trace; `aloud` prints every event.
pub(super) fn begin(seed: u64, aloud: bool) {
    TRACE.with_borrow_mut(|trace| *trace = Trace { hash: seed, aloud, ..Trace::default() });
}

/// The moment of the events to come.
pub(super) fn at(now_ns: u64) {
    TRACE.with_borrow_mut(|trace| trace.now_ns = now_ns);
}

/// Something happened.
pub(super) fn note(what: &'static str, a: i64, b: i64, c: i64) {
    TRACE.with_borrow_mut(|trace| {
        let event = Event { at_ns: trace.now_ns, what, numbers: [a, b, c] };
        for byte in what.bytes() {
            trace.mix(u64::from(byte));
        }
        for number in [event.at_ns.cast_signed(), a, b, c] {
            trace.mix(number.cast_unsigned());
        }
        if trace.last.len() == EVENTS_KEPT {
            trace.last.pop_front();
        }
        trace.last.push_back(event);
        if trace.aloud {
            println!("{}", event.describe());
        }
    });
}

/// Something too small to be told, but part of what makes two runs the same.
pub(super) fn mix(number: u64) {
    TRACE.with_borrow_mut(|trace| trace.mix(number));
}

/// The hash over everything so far.
pub(super) fn hash() -> u64 {
    TRACE.with_borrow(|trace| trace.hash)
}

/// The last events of this thread's run, one a line, newest last.
#[must_use]
pub fn last_events() -> String {
    TRACE.with_borrow(|trace| {
        trace.last.iter().fold(String::new(), |mut text, event| {
            let _ = writeln!(text, "  {}", event.describe()); // a String takes everything
            text
        })
    })
}
