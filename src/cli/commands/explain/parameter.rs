//! `stackgres explain postgresql.conf/NAME` and `pgbouncer.ini/NAME`: what one setting takes, and what a change of it does.

use crate::cli::exit::CommandError;
use crate::diagnostics::nearest;
use crate::model::HOT_STANDBY;
use crate::postgres::{
    BLOCKED, Context, MAJORS, POOLER_BLOCKED, POOLER_DEFAULTS, Parameter, Vartype, built_in_default, default_rule, find, names,
    patroni_minimum, pooler_setting, pooler_setting_names,
};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What is known of a setting.
pub(super) fn text(file: &str, name: &str) -> Result<String, CommandError> {
    match file {
        "postgresql.conf" => postgres(name),
        "pgbouncer.ini" => pooler(name),
        _ => Err(CommandError::invalid(format!("there is no file {file}")).hint("write postgresql.conf/NAME or pgbouncer.ini/NAME")),
    }
}

fn unknown(name: &str, names: impl Iterator<Item = &'static str>, dotted: &str) -> CommandError {
    let hint = nearest(name, names).map_or_else(|| dotted.to_owned(), |near| format!("did you mean {near}?"));
    CommandError::invalid(format!("there is no setting {name}")).hint(hint)
}

fn postgres(name: &str) -> Result<String, CommandError> {
    let Some(parameter) = find(name).filter(|parameter| !parameter.majors().is_empty()) else {
        let names: BTreeSet<&'static str> = MAJORS.flat_map(names).collect();
        return Err(unknown(name, names.into_iter(), "a parameter of an extension is known when the extension is one of the images'"));
    };
    let mut out = format!("{} <{}>\n\n", parameter.name, per_major(parameter, form));
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "{label:<17}{value}");
        }
    };
    let majors = parameter.majors();
    line("PostgreSQL", &spans(&majors));
    if parameter.library != "core" {
        line("Library", &parameter.library);
    }
    line("Unit", parameter.unit.as_deref().unwrap_or_default());
    line("Range", &per_major(parameter, range));
    line("A change", &per_major(parameter, |parameter, major| parameter.context(major).map(effect).unwrap_or_default().to_owned()));
    line(
        "Without a line",
        &per_major(parameter, |parameter, major| match built_in_default(major, &parameter.name) {
            Some(value) if value.is_empty() => "the empty text".to_owned(),
            Some(value) => value,
            None => "what initdb finds".to_owned(),
        }),
    );
    line("Default here", default_rule(&parameter.name).as_deref().unwrap_or_default());
    let lower = parameter.name.to_ascii_lowercase();
    if let Some(minimum) = patroni_minimum(&lower) {
        line("Patroni", &format!("sets it on the command line, the same on every instance; below {minimum} it takes a value of its own"));
    }
    if HOT_STANDBY.contains(&lower.as_str()) {
        line("Replicas", "a replica needs at least the primary's value: raised, replicas restart first; lowered, the primary does");
    }
    if BLOCKED.contains(&lower.as_str()) {
        line("Not yours", "the program sets it, or depends on it; writing it is an error (parameter-not-settable)");
    } else if !parameter.belongs_in_file() {
        line("Not yours", "PostgreSQL does not take it from its configuration file");
    }
    Ok(out)
}

/// One text, or one for each span of major versions where they differ.
fn per_major(parameter: &Parameter, of: impl Fn(&Parameter, u32) -> String) -> String {
    let mut groups: Vec<(Vec<u32>, String)> = Vec::new();
    for major in parameter.majors() {
        let text = of(parameter, major);
        match groups.last_mut() {
            Some((majors, last)) if *last == text => majors.push(major),
            _ => groups.push((vec![major], text)),
        }
    }
    if let [(_, text)] = groups.as_slice() {
        return text.clone();
    }
    let parts: Vec<String> = groups.iter().map(|(majors, text)| format!("{text} ({})", spans(majors))).collect();
    parts.join("; ")
}

fn spans(majors: &[u32]) -> String {
    match majors {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first} to {last}"),
    }
}

fn form(parameter: &Parameter, major: u32) -> String {
    match parameter.vartype(major) {
        Vartype::Bool => "on | off".to_owned(),
        Vartype::Enum => parameter.words(major).join(" | "),
        Vartype::Integer => "whole number".to_owned(),
        Vartype::Real => "number".to_owned(),
        Vartype::String => "text".to_owned(),
    }
}

fn range(parameter: &Parameter, major: u32) -> String {
    match (parameter.minimum(major), parameter.maximum(major)) {
        (Some(low), Some(high)) => {
            let unit = parameter.unit.as_deref().map(|unit| format!(", in units of {unit}")).unwrap_or_default();
            format!("{low} to {high}{unit}")
        }
        _ => String::new(),
    }
}

const fn effect(context: Context) -> &'static str {
    match context {
        Context::Internal => "is not possible: it is fixed when the server is built or the data directory is made",
        Context::Postmaster => "restarts PostgreSQL, one instance after another",
        Context::Sighup => "reloads",
        Context::SuperuserBackend | Context::Backend => "reloads, and reaches new sessions only",
        Context::Superuser => "reloads; a superuser can set it for a session",
        Context::User => "reloads; everybody can set it for a session",
    }
}

fn pooler(name: &str) -> Result<String, CommandError> {
    let lower = name.to_ascii_lowercase();
    let Some(setting) = pooler_setting(&lower) else {
        return Err(unknown(name, pooler_setting_names().into_iter(), "section [pgbouncer] has no such setting in the images' version"));
    };
    let form = match setting.kind.as_str() {
        "int" => "whole number",
        "seconds" => "seconds",
        "bool01" => "0 | 1",
        "enum" => &setting.words.join(" | "),
        _ => "text",
    };
    let mut out = format!("{} <{form}>\n\n", setting.name);
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(out, "{label:<17}{value}");
    };
    line("A change", if setting.is_reloadable() { "reloads: no client is disturbed" } else { "restarts PgBouncer, with the pods" });
    if let Some((_, value)) = POOLER_DEFAULTS.iter().find(|(name, _)| *name == setting.name) {
        line("Default here", value);
    }
    if POOLER_BLOCKED.contains(&setting.name.as_str()) {
        line("Not yours", "the program sets it, or depends on it; writing it is an error");
    }
    Ok(out)
}
