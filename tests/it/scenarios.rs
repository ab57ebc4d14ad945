//! Scenarios of a rolling change: set-up, what happens when, and which steps are done. `tests/explore --scenario FILE` tells the story
//! of one; a drawn run that fails shrinks to one (`tests/explore --seed N --shrink`).

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    dead_code,
    unused_imports,
    reason = "numbers of instances are small; drawing and shrinking belong to the explorer"
)]
#[path = "../simulation/model/mod.rs"]
mod model;

use crate::change::Rules;

/// A scenario that ends otherwise is a change of what is done to databases: read the story before the expectation is changed.
#[test]
fn every_scenario_goes_as_it_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let (mut count, mut problems) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = model::Scenario::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let outcome = model::run(&scenario, Rules::ALL, false);
        count += 1;
        problems.extend(outcome.violations.iter().map(|violation| format!("{name}: {}: {}", violation.invariant.name(), violation.what)));
        let expected = (scenario.expected.end.expect("an end is expected"), scenario.expected.steps.unwrap_or_default());
        if expected != (outcome.end.to_owned(), outcome.words.clone()) {
            problems.push(format!("{name}: expected {} with {}; {} with {}", expected.0, expected.1, outcome.end, outcome.words));
        }
    }
    assert!(count >= 40, "{count} scenarios were found");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The text that a failing seed is written down as has to mean the same run.
#[test]
fn a_drawn_scenario_is_read_back_as_it_was_written() {
    for seed in 0..200 {
        let drawn = model::generate(seed);
        assert_eq!(model::Scenario::read(&drawn.to_string()).unwrap(), drawn, "seed {seed}");
    }
}

/// What passes every run proves nothing: with a rule broken, some run has to notice. `tests/explore --table` does it for each rule.
#[test]
fn a_broken_rule_is_noticed() {
    let rules = Rules::without(crate::change::Rule::StopGoesBackToLastGood);
    assert!((0..50).any(|seed| !model::run(&model::generate(seed), rules, false).violations.is_empty()));
}
