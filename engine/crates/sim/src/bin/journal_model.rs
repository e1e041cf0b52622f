//! `journal_model [--states N] [--seed N] [--rule NAME|all]`: searches for violations of the journal's rules.
//!
//! Without `--rule`: all rules on, exit 1 if anything is found. With one: that rule off, exit 1 if nothing is found.

use journal::rules::{Rule, switch_off};
use sim::journal_model::search;

fn main() {
    let mut states = 200_000;
    let mut seed = 1;
    let mut rule = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match name.as_str() {
            "--states" => states = value.parse().unwrap_or_else(|_| usage()),
            "--seed" => seed = value.parse().unwrap_or_else(|_| usage()),
            "--rule" => rule = Some(value),
            _ => usage(),
        }
    }
    let failed = match rule {
        None => {
            let report = search(seed, states, 1);
            println!("states {} violations {} runs {}", report.states, report.violations.len(), report.runs);
            for violation in &report.violations {
                println!("seed {}: {}", violation.seed, violation.what);
            }
            !report.violations.is_empty()
        }
        Some(name) => {
            std::panic::set_hook(Box::new(|_| {})); // a rule switched off may end in an assertion: that counts as found
            let chosen: Vec<_> =
                Rule::ALL.iter().filter(|(_, known)| name == "all" || *known == name).collect();
            if chosen.is_empty() {
                usage();
            }
            let mut missed = 0;
            for (rule, name) in chosen {
                switch_off(Some(*rule));
                let report = search(seed, states, 1);
                switch_off(None);
                match report.violations.first() {
                    Some(found) => {
                        println!("rule {name}: found after {} states: {}", report.states, found.what)
                    }
                    None => println!("rule {name}: NOT FOUND in {} states", report.states),
                }
                missed += usize::from(report.violations.is_empty());
            }
            missed > 0
        }
    };
    std::process::exit(i32::from(failed));
}

fn usage() -> ! {
    eprintln!("usage: journal_model [--states N] [--seed N] [--rule NAME|all]");
    std::process::exit(2)
}
