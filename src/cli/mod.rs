//! The command line: thin, over the engine.
//!
//! In: arguments. Out: text on standard output, messages on standard error, an exit code. Invariant: data and messages never
//! mix; offline verbs need no cluster and no credentials. Why: the output is piped into other programs.

mod args;
mod commands;
mod exit;
mod files;

pub use args::{Arguments, RunArguments};
pub use exit::{CommandError, Exit};

use args::Verb;

/// Runs one command. `controller` carries out `run`, which needs the whole program and is wired elsewhere.
pub fn run(arguments: Arguments, controller: impl FnOnce(&RunArguments) -> Result<(), CommandError>) -> Result<Exit, CommandError> {
    match arguments.verb {
        Verb::Check(arguments) => commands::check::run(&arguments),
        Verb::Render(arguments) => commands::render::run(&arguments),
        Verb::Diff(arguments) => commands::diff::run(&arguments),
        Verb::Explain(arguments) => commands::explain::run(&arguments),
        Verb::Run(arguments) => controller(&arguments).map(|()| Exit::Fine),
        Verb::Crd => commands::crd::run(),
        Verb::Completions { shell } => commands::completions::run(shell),
    }
}
