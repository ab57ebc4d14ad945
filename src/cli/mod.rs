//! The command line: thin, over the engine.
//!
//! In: arguments. Out: text on standard output, messages on standard error, an exit code. Invariant: data and messages never
//! mix; offline verbs need no cluster and no credentials. Why: the output is piped into other programs.

mod args;
mod commands;
mod exit;
mod files;

pub use args::Arguments;
pub use exit::{CommandError, Exit};

use args::Verb;

/// Runs one command.
pub fn run(arguments: Arguments) -> Result<Exit, CommandError> {
    match arguments.verb {
        Verb::Check(arguments) => commands::check::run(&arguments),
        Verb::Render(arguments) => commands::render::run(&arguments),
        Verb::Diff(arguments) => commands::diff::run(&arguments),
        Verb::Explain(arguments) => commands::explain::run(&arguments),
        Verb::Crd => commands::crd::run(),
        Verb::Completions { shell } => commands::completions::run(shell),
    }
}
