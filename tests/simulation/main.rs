//! The explorer: thousands of drawn rollouts with faults, each checked at every step. `tests/explore` runs it.

#[allow(dead_code, unused_imports, reason = "the decision as the program has it; not everything of it is asked here")]
#[path = "../../src/rollout/change/mod.rs"]
mod change;
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    dead_code,
    reason = "numbers of instances are small; the scenario test uses the rest"
)]
mod model;

use change::{Rule, Rules};
use model::{Invariant, Outcome, Scenario, generate, run, shrink};
use std::collections::BTreeMap;
use std::process::ExitCode;

const USAGE: &str = "usage: explore SEEDS [--from N] | --mutate RULE SEEDS | --table SEEDS | --rules | --invariants | --seed N [--verbose] \
                     [--mutate RULE] [--shrink] | --scenario FILE";

fn rules(name: &str) -> Result<Rules, String> {
    let rule = Rule::ALL.iter().find(|rule| rule.name() == name);
    rule.map(|rule| Rules::without(*rule)).ok_or_else(|| format!("no such rule: {name}"))
}

fn explain(outcome: &Outcome) {
    for line in &outcome.story {
        println!("{line}");
    }
    println!("end: {}; steps: {}", outcome.end, outcome.words);
    for violation in &outcome.violations {
        println!("violation of {} at {} s: {}", violation.invariant.name(), violation.at, violation.what);
    }
}

fn failing(outcome: &Outcome) -> Option<Invariant> {
    outcome.violations.first().map(|violation| violation.invariant)
}

fn explore(from: u64, seeds: u64, rules: Rules, first_only: bool) -> (u64, bool) {
    let (mut steps, mut faults, mut violations) = (0, 0, 0);
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut found: BTreeMap<&str, (u64, u64, String)> = BTreeMap::new();
    let mut done = 0;
    for seed in from..from + seeds {
        let outcome = run(&generate(seed), rules, false);
        done += 1;
        steps += outcome.steps;
        faults += outcome.faults;
        *ends.entry(outcome.end).or_default() += 1;
        violations += outcome.violations.len();
        for violation in &outcome.violations {
            let entry = found.entry(violation.invariant.name()).or_insert_with(|| (0, seed, violation.what.clone()));
            entry.0 += 1;
        }
        if first_only && violations > 0 {
            break;
        }
    }
    for (name, (times, seed, what)) in &found {
        println!("{name}: {times} times, first in seed {seed}: {what}");
    }
    let ends: Vec<String> = ends.iter().map(|(end, times)| format!("{end} {times}")).collect();
    println!("ends: {}", ends.join(", "));
    println!("seeds={done} steps={steps} faults={faults} violations={violations}");
    (done, violations > 0)
}

fn table(seeds: u64) -> bool {
    println!("| rule broken | found by seed | invariant |\n|---|---|---|");
    let mut all = true;
    for rule in Rule::ALL {
        let found = (0..seeds).find_map(|seed| {
            let outcome = run(&generate(seed), Rules::without(*rule), false);
            failing(&outcome).map(|invariant| (seed, invariant))
        });
        match found {
            Some((seed, invariant)) => println!("| {} | {seed} | {} |", rule.name(), invariant.name()),
            None => {
                all = false;
                println!("| {} | **not found** in {seeds} seeds | |", rule.name());
            }
        }
    }
    all
}

fn go(arguments: &[String]) -> Result<bool, String> {
    let number = |text: &String| text.parse::<u64>().map_err(|_| USAGE.to_owned());
    let after = |flag: &str| arguments.iter().position(|argument| argument == flag).and_then(|at| arguments.get(at + 1));
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let broken = after("--mutate").map_or(Ok(Rules::ALL), |name| rules(name))?;
    if has("--rules") {
        Rule::ALL.iter().for_each(|rule| println!("{}", rule.name()));
        return Ok(false);
    }
    if has("--invariants") {
        Invariant::ALL.iter().for_each(|invariant| println!("{}: {}", invariant.name(), invariant.protects()));
        return Ok(false);
    }
    if let Some(seeds) = after("--table") {
        return Ok(!table(number(seeds)?));
    }
    if let Some(file) = after("--scenario") {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let outcome = run(&Scenario::read(&text)?, broken, true);
        explain(&outcome);
        return Ok(!outcome.violations.is_empty());
    }
    if let Some(seed) = after("--seed") {
        let scenario = generate(number(seed)?);
        let outcome = run(&scenario, broken, has("--verbose"));
        if let Some(invariant) = failing(&outcome).filter(|_| has("--shrink")) {
            let small = shrink(&scenario, broken, invariant);
            println!("{small}");
            explain(&run(&small, broken, has("--verbose")));
        } else {
            println!("{scenario}");
            explain(&outcome);
        }
        return Ok(!outcome.violations.is_empty());
    }
    let seeds = arguments.last().ok_or(USAGE)?;
    let from = after("--from").map_or(Ok(0), number)?;
    Ok(explore(from, number(seeds)?, broken, has("--mutate")).1)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match go(&arguments) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
