//! Every verb of the command line in every form of its output.

use super::program::printed;
use super::world::{NAMESPACE, World};
use clap::CommandFactory as _;
use stackgres::cli::Arguments;
use std::collections::{BTreeMap, BTreeSet};

/// How a verb is run, and why it may repeat manifests.
pub(super) struct Row {
    pub(super) verb: &'static str,
    pub(super) arguments: Vec<Vec<String>>,
    /// Only these forms of output; empty is every one.
    pub(super) forms: &'static [&'static str],
    pub(super) repeats_inputs: Option<&'static str>,
}

fn row(verb: &'static str, arguments: &[&[&str]]) -> Row {
    let owned = |arguments: &&[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Row { verb, arguments: arguments.iter().map(owned).collect(), forms: &[], repeats_inputs: None }
}

/// Every verb that ends by itself. Forms of output are added from the program's own list.
pub(super) fn rows(revision: &str, base: &str) -> Vec<Row> {
    let repeating = |row: Row, why| Row { repeats_inputs: Some(why), ..row };
    vec![
        row("check", &[&["one"], &["two", "--partial"], &["one/good.yaml"], &["two/bad.yaml", "two/broken.yaml"]]),
        repeating(row("render", &[&["one"], &["two", "--cluster", "default/a"]]), "it is what `kubectl apply` takes"),
        row("render", &[&["one", "--effective"], &["two", "--effective", "--cluster", "default/a"]]),
        row(
            "diff",
            &[
                &["--base-directory", "one", "--head-directory", "two"],
                &["--base-directory", "one", "--head-directory", "two", "--objects"],
                &["--base-directory", "empty", "--head-directory", "one", "--objects"],
                &["--base", base, "--head", "HEAD", "--repository", "repository", "--objects", "--exit-code"],
                &["--live", "--head-directory", "two", "--objects", "--namespace", NAMESPACE],
            ],
        ),
        row("plan", &[&["--promote", "shop/a", "--objects"], &["--promote"]]),
        row("promote", &[&["shop/a"], &["shop/none"]]),
        row("history", &[&["shop/none"]]),
        Row { forms: &["text"], ..row("history", &[&["shop/a"]]) },
        Row { forms: &["json"], ..repeating(row("history", &[&["shop/a"]]), "each revision with its inputs, for programs") },
        repeating(row("history", &[&["shop/a", revision]]), "it is what is applied or committed again"),
        row("hold", &[&["shop/a", "--reason", "a test", "--for", "1h"], &["shop/a", "--release"]]),
        row("switchover", &[&["shop/a", "--timeout", "1"]]),
        row("restart", &[&["shop/a", "--timeout", "1"]]),
        row("rollout retry", &[&["shop/a"]]),
        row("rollout rollback", &[&["shop/a"]]),
        row("explain", &[&[], &["bad-parameter-value"], &["sgcluster.spec.configurations.credentials"]]),
        row("crd", &[&[]]),
        row("docs", &[&["reference"]]),
        row("completions", &[&["bash"]]),
    ]
}

/// Verbs that go on; the test runs them by hand. `git-child` is the part of `run` that reads repositories.
pub(super) const GO_ON: &[&str] = &["run", "page", "demo", "git-child"];

/// Every verb with the forms of its output, as the program itself lists them.
pub(super) fn verbs() -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    gather(&Arguments::command(), "", &mut found);
    found
}

fn gather(command: &clap::Command, before: &str, found: &mut BTreeMap<String, Vec<String>>) {
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let name = format!("{before}{}", verb.get_name());
        if verb.has_subcommands() {
            gather(verb, &format!("{name} "), found);
        } else {
            let output = verb.get_arguments().find(|argument| argument.get_id() == "output");
            let forms = output.map(|output| output.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect());
            found.insert(name, forms.unwrap_or_default());
        }
    }
}

/// Runs every verb in every form. `shown` gets the command, what it printed, and whether it may repeat manifests.
pub(super) fn run_each(world: &World, revision: &str, base: &str, shown: &mut dyn FnMut(&str, &str, bool)) {
    let (expected, rows) = (verbs(), rows(revision, base));
    let covered: BTreeSet<&str> = rows.iter().map(|row| row.verb).chain(GO_ON.iter().copied()).collect();
    assert_eq!(covered, expected.keys().map(String::as_str).collect(), "a new verb needs a row here");
    for Row { verb, arguments, forms: only, repeats_inputs } in &rows {
        let wanted = expected[*verb].iter().filter(|form| only.is_empty() || only.contains(&form.as_str()));
        let forms = wanted.map(|form| vec!["--output".to_owned(), form.clone()]);
        let forms = if expected[*verb].is_empty() { vec![Vec::new()] } else { forms.collect() };
        for (given, form) in arguments.iter().flat_map(|given| forms.iter().map(move |form| (given, form))) {
            let line: Vec<&str> = verb.split(' ').chain(given.iter().chain(form).map(String::as_str)).collect();
            let (code, text) = printed(world.folder.path(), Some(&world.kubeconfig), &line);
            assert!(code.is_some(), "{line:?} ended by a signal: {text}");
            // Wrong usage would show nothing.
            assert!(!text.contains("Usage:") && !text.contains("error: unexpected"), "{line:?}: {text}");
            shown(&line.join(" "), &text, repeats_inputs.is_some());
        }
    }
}
