//! The `stackgres` program: reads arguments, runs one command, ends with its exit code.

use clap::Parser as _;
use stackgres::cli::{Arguments, Wired, run};
use stackgres::diagnostics::visible;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let wired = Wired {
        run: stackgres::wiring::controller,
        demo: stackgres::wiring::demo,
        page: stackgres::wiring::page,
        git_child: stackgres::wiring::git_child,
    };
    match run(Arguments::parse(), &wired) {
        Ok(exit) => exit.into(),
        Err(error) => {
            drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{}\n", visible(&error.to_string()))));
            error.exit.into()
        }
    }
}
