//! The budgets of the design, measured: `tests/bench/run` builds this program and the controller and starts it.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reads clocks, files and the environment, prints, and fails by panicking"
)]

mod content;
mod controller;
mod figures;
mod fleet;
mod machine;
mod offline;
mod plane;
mod seen;

use figures::Figures;

const PARTS: [&str; 2] = ["offline", "kubernetes"];

const USAGE: &str = "usage: tests/bench/run [--quick] [PART...]
parts: offline (needs nothing), kubernetes (starts control planes of its own)";

/// As the program: what is measured in this process is measured with it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().map(String::as_str) == Some(offline::CHILD) {
        arguments.remove(0);
        return offline::child(&arguments);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    arguments.retain(|argument| argument != "--quick");
    if let Some(unknown) = arguments.iter().find(|argument| !PARTS.contains(&argument.as_str())) {
        eprintln!("{unknown}: no such part\n{USAGE}");
        std::process::exit(2);
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    let mut figures = Figures::default();
    if wanted("offline") {
        offline::measure(quick, &mut figures);
    }
    if wanted("kubernetes") {
        fleet::measure(quick, &mut figures);
    }
    figures.report(quick);
}
