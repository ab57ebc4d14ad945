//! The one integration test binary. Each module is one file or folder beside this one.
#![allow(
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::match_same_arms,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read files and the environment, print, and fail by panicking"
)]

mod all_at_once;
mod api_faults;
mod architecture;
mod cli;
mod conformance;
mod controller;
mod crds;
mod demo;
mod findings;
mod golden;
mod instance;
mod load;
mod managed_sql;
mod page;
mod plans;
mod promotions;
mod real_cluster;
mod real_pods;
mod real_servers;
mod reference;
mod revisions;
mod scenarios;
mod security;
mod source;
mod terminal;

use std::collections::BTreeSet;
// The model of a rolling change, which `tests/explore` builds with the decision alone, finds it here.
use stackgres::rollout::change;

/// A test file that is not listed above would silently never run.
#[test]
fn no_test_file_is_forgotten() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let listed: BTreeSet<String> =
        include_str!("main.rs").lines().filter_map(|line| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())).collect();
    let found: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
        .filter(|name| name != "main")
        .collect();
    assert_eq!(listed, found, "tests/it/main.rs must list every file of its folder");
}
