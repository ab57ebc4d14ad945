//! The command line: thin, over the engine.
//!
//! In: arguments. Out: text on standard output, messages on standard error, an exit code. Invariant: data and messages never
//! mix; offline verbs need no cluster and no credentials. Why: the output is piped into other programs.

mod args;
mod commands;
mod exit;
mod files;
pub mod terminal;

pub use args::{Arguments, DemoArguments, PageArguments, RunArguments};
pub use exit::{CommandError, Exit};
pub use files::with_images;

use args::Verb;

/// Verbs that need the whole program and are wired elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct Wired {
    /// Carries out `run`.
    pub run: fn(&RunArguments) -> Result<(), CommandError>,
    /// Carries out `demo`.
    pub demo: fn(&DemoArguments) -> Result<(), CommandError>,
    /// Carries out `page`.
    pub page: fn(&PageArguments) -> Result<(), CommandError>,
    /// Reads one repository for a controller.
    pub git_child: fn() -> Result<(), CommandError>,
}

/// Runs one command.
pub fn run(arguments: Arguments, wired: &Wired) -> Result<Exit, CommandError> {
    match arguments.verb {
        Verb::Check(arguments) => commands::check::run(&arguments),
        Verb::Render(arguments) => commands::render::run(&arguments),
        Verb::Diff(arguments) => commands::diff::run(&arguments),
        Verb::Plan(arguments) => commands::plan::run(&arguments),
        Verb::Promote(arguments) => commands::promote::run(&arguments),
        Verb::History(arguments) => commands::history::run(&arguments),
        Verb::Switchover(arguments) => commands::switchover::run(&arguments),
        Verb::Restart(arguments) => commands::restart::run(&arguments),
        Verb::Hold(arguments) => commands::hold::run(&arguments),
        Verb::Rollout(arguments) => commands::rollout::run(&arguments),
        Verb::Explain(arguments) => commands::explain::run(&arguments),
        Verb::Docs(arguments) => commands::docs::run(&arguments),
        Verb::Run(arguments) => (wired.run)(&arguments).map(|()| Exit::Fine),
        Verb::Demo(arguments) => (wired.demo)(&arguments).map(|()| Exit::Fine),
        Verb::Page(arguments) => (wired.page)(&arguments).map(|()| Exit::Fine),
        Verb::GitChild => (wired.git_child)().map(|()| Exit::Fine),
        Verb::Crd => commands::crd::run(),
        Verb::Completions { shell } => commands::completions::run(shell),
    }
}
