//! `journal_model [--states N] [--seed N] [--rule NAME|all]`: searches for violations of the journal's rules.
//!
//! Without `--rule`: all rules on, exit 1 if anything is found. With one: that rule off, exit 1 if nothing is found. A rule
//! switched off may also end in one of the engine's own assertions, which aborts a release build: that counts as found.
//! With `all`: each rule off in turn; what the search cannot find has a directed test; exit 1 if a rule is left over.

use std::process::{Command, exit};

use journal::rules::{Rule, switch_off};
use sim::journal_model::{DIRECTED, Directed, search, seed_in_work};

fn main() {
    let (mut states, mut seed, mut rule) = (200_000, 1, None);
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
    let kept = match rule.as_deref() {
        None => all_rules_on(seed, states),
        Some("all") => every_rule_off(seed, states),
        Some(name) => match Rule::ALL.iter().find(|(_, known)| *known == name) {
            Some((rule, name)) => one_rule_off(*rule, name, seed, states),
            None => usage(),
        },
    };
    exit(i32::from(!kept));
}

fn all_rules_on(seed: u64, states: u64) -> bool {
    std::panic::set_hook(Box::new(|panic| {
        println!("violations 1\nseed {}: {panic}", seed_in_work());
        exit(1)
    }));
    let report = search(seed, states, 1);
    println!("states {} violations {} runs {}", report.states, report.violations.len(), report.runs);
    for violation in &report.violations {
        println!("seed {}: {}", violation.seed, violation.what);
    }
    report.violations.is_empty()
}

fn one_rule_off(rule: Rule, name: &'static str, seed: u64, states: u64) -> bool {
    std::panic::set_hook(Box::new(move |panic| {
        println!("rule {name}: found with seed {}: {panic}", seed_in_work());
        exit(0)
    }));
    switch_off(Some(rule));
    let report = search(seed, states, 1);
    switch_off(None);
    match report.violations.first() {
        Some(found) => println!("rule {name}: found after {} states: {}", report.states, found.what),
        None => println!("rule {name}: NOT FOUND in {} states", report.states),
    }
    !report.violations.is_empty()
}

/// Each in a process of its own, which an assertion may end.
fn every_rule_off(seed: u64, states: u64) -> bool {
    let directed = |rule| DIRECTED.iter().any(|test| test.rule == rule);
    let searched: Vec<&str> =
        Rule::ALL.iter().filter(|(rule, _)| !directed(*rule)).map(|(_, name)| *name).collect();
    let missed: Vec<&str> =
        searched.iter().copied().filter(|name| !found_by_child(name, seed, states)).collect();
    let mut silent = Vec::new();
    for Directed { name, rule, play } in DIRECTED {
        let kept = play();
        switch_off(Some(rule));
        let broken = play();
        switch_off(None);
        match (kept, broken) {
            (Ok(()), Err(found)) => println!("rule {name}: directed: {found}"),
            (Ok(()), Ok(())) => {
                println!("rule {name}: NOT FOUND by its directed test");
                silent.push(name);
            }
            (Err(found), _) => {
                println!("rule {name}: VIOLATED with the rule on: {found}");
                silent.push(name);
            }
        }
    }
    let by_test: Vec<&str> =
        DIRECTED.iter().map(|test| test.name).filter(|name| !silent.contains(name)).collect();
    let left = [missed.clone(), silent].concat();
    println!(
        "rules: found {} of {} by search, {} by directed tests ({}){}",
        searched.len() - missed.len(),
        searched.len() + DIRECTED.len(),
        by_test.len(),
        by_test.join(", "),
        if left.is_empty() { String::new() } else { format!(", not found: {}", left.join(", ")) },
    );
    left.is_empty()
}

fn found_by_child(name: &str, seed: u64, states: u64) -> bool {
    let program = std::env::current_exe().expect("a running program has a path");
    let arguments = ["--rule", name, "--seed", &seed.to_string(), "--states", &states.to_string()];
    Command::new(program).args(arguments).status().expect("a program starts twice").success()
}

fn usage() -> ! {
    eprintln!("usage: journal_model [--states N] [--seed N] [--rule NAME|all]");
    exit(2)
}
