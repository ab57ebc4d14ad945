//! `stackgres completions`

use crate::cli::args::Arguments;
use crate::cli::exit::{CommandError, Exit, print};
use clap::CommandFactory as _;

pub(in crate::cli) fn run(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "stackgres", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
