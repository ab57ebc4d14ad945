//! `stackgres hold`

use super::{cluster_name, live_problem};
use crate::cli::args::HoldArguments;
use crate::cli::exit::{CommandError, Exit, print};
use crate::engine::live::{End, hold, release};
use crate::model::iso_duration;
use jiff::{SignedDuration, Timestamp};

pub(in crate::cli) fn run(arguments: &HoldArguments) -> Result<Exit, CommandError> {
    let cluster = cluster_name(&arguments.cluster);
    let kubeconfig = arguments.kubeconfig.as_deref();
    let changed = match &arguments.reason {
        Some(reason) => hold(kubeconfig, &cluster, reason, end(arguments)?, arguments.by.as_deref()),
        None => release(kubeconfig, &cluster),
    };
    let changed = changed.map_err(|error| live_problem(&error))?;
    let said = match (&changed.before, &changed.after) {
        (Some(before), Some(after)) => format!("{cluster} is held: {after}\nbefore: {before}\n"),
        (None, Some(after)) => format!("{cluster} is held: {after}\n"),
        (Some(before), None) => format!("{cluster} is not held any more; it was: {before}\n"),
        (None, None) => format!("{cluster} was not held\n"),
    };
    print(&said)?;
    Ok(Exit::Fine)
}

fn end(arguments: &HoldArguments) -> Result<End, CommandError> {
    if let Some(text) = &arguments.until {
        let until: Result<Timestamp, _> = text.parse();
        return until.map(End::At).map_err(|_| {
            CommandError::invalid(format!("`{text}` is no moment")).hint("write one with its offset, such as 2026-11-28T06:00:00Z")
        });
    }
    let Some(text) = &arguments.length else { return Ok(End::Open) };
    let length: Option<SignedDuration> = iso_duration(text).ok().or_else(|| text.parse().ok());
    length.map(End::After).ok_or_else(|| CommandError::invalid(format!("`{text}` is no duration")).hint("write 2h, 90m, PT2H or P1D"))
}
