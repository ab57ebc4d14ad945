//! What is fuzzed, and what has to hold for every input. The instrumented program of `tests/fuzz` calls these, and so does a test of
//! every run, with the inputs that were kept.

mod diff;
mod load;
mod parameters;
mod plan;
mod quantities;
mod source_map;
mod webhooks;

/// A target: panics where something does not hold that must hold for every input.
pub(super) type Target = fn(&[u8]);

/// Every target; its corpus is the folder of its name.
pub(super) const TARGETS: &[(&str, Target)] = &[
    ("load", load::check),
    ("source_map", source_map::check),
    ("parameters", parameters::check),
    ("quantities", quantities::check),
    ("diff", diff::check),
    ("webhooks", webhooks::check),
    ("plan", plan::check),
];

/// Whether a text would move a terminal.
fn is_harmless(text: &str) -> bool {
    !text.contains(|character: char| stackgres::diagnostics::is_unseen(character) && !matches!(character, '\n' | '\t'))
}
