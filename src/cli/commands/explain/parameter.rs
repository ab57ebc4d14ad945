//! `stackgres explain postgresql.conf/NAME` and `pgbouncer.ini/NAME`: what one setting takes, and what a change of it does.

use crate::cli::exit::CommandError;
use crate::diagnostics::nearest;
use crate::model::HOT_STANDBY;
use crate::postgres::{
    BLOCKED, Context, MAJORS, POOLER_BLOCKED, Parameter, Vartype, built_in_default, default_rule, find, names, patroni_minimum,
    pooler_default_rule, pooler_setting, pooler_setting_names,
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

/// One setting: its name, the form of its value, and what there is to know, each with its label.
pub(in crate::cli::commands) struct Setting {
    pub(in crate::cli::commands) name: &'static str,
    pub(in crate::cli::commands) form: String,
    pub(in crate::cli::commands) facts: Vec<(&'static str, String)>,
}

impl Setting {
    fn text(&self) -> String {
        let mut out = format!("{} <{}>\n\n", self.name, self.form);
        for (label, value) in &self.facts {
            let _ = writeln!(out, "{label:<17}{value}");
        }
        out
    }
}

/// Names of the parameters of every major version.
pub(in crate::cli::commands) fn postgres_names() -> BTreeSet<&'static str> {
    MAJORS.flat_map(names).collect()
}

fn postgres(name: &str) -> Result<String, CommandError> {
    let dotted = "a parameter of an extension is known when the extension is one of the images'";
    postgres_setting(name).map(|setting| setting.text()).ok_or_else(|| unknown(name, postgres_names().into_iter(), dotted))
}

/// What is known of a parameter; `None` if there is none of that name.
pub(in crate::cli::commands) fn postgres_setting(name: &str) -> Option<Setting> {
    let parameter = find(name).filter(|parameter| !parameter.majors().is_empty())?;
    let mut facts = vec![("PostgreSQL", spans(&parameter.majors()))];
    if parameter.library != "core" {
        facts.push(("Library", parameter.library.clone()));
    }
    facts.push(("Unit", parameter.unit.clone().unwrap_or_default()));
    facts.push(("Range", per_major(parameter, range)));
    facts.push(("A change", per_major(parameter, |parameter, major| parameter.context(major).map(effect).unwrap_or_default().to_owned())));
    let alone = |parameter: &Parameter, major| match built_in_default(major, &parameter.name) {
        Some(value) if value.is_empty() => "the empty text".to_owned(),
        Some(value) => value,
        None => "what initdb finds".to_owned(),
    };
    facts.push(("Without a line", per_major(parameter, alone)));
    facts.push(("Default here", default_rule(&parameter.name).unwrap_or_default()));
    let lower = parameter.name.to_ascii_lowercase();
    if let Some(minimum) = patroni_minimum(&lower) {
        let text = format!("sets it on the command line, the same on every instance; below {minimum} it takes a value of its own");
        facts.push(("Patroni", text));
    }
    if HOT_STANDBY.contains(&lower.as_str()) {
        let text = "a replica needs at least the primary's value: raised, replicas restart first; lowered, the primary does";
        facts.push(("Replicas", text.to_owned()));
    }
    if BLOCKED.contains(&lower.as_str()) {
        let text = "the program sets it, or depends on it; writing it is an error (parameter-not-settable)";
        facts.push(("Not yours", text.to_owned()));
    } else if !parameter.belongs_in_file() {
        facts.push(("Not yours", "PostgreSQL does not take it from its configuration file".to_owned()));
    }
    facts.retain(|(_, value)| !value.is_empty());
    Some(Setting { name: &parameter.name, form: per_major(parameter, form), facts })
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
    let missing = "section [pgbouncer] has no such setting in the images' version";
    let found = pooler_facts(&name.to_ascii_lowercase());
    found.map(|setting| setting.text()).ok_or_else(|| unknown(name, pooler_setting_names().into_iter(), missing))
}

/// What is known of a setting of PgBouncer; `None` if the images' version has none of that name.
pub(in crate::cli::commands) fn pooler_facts(name: &str) -> Option<Setting> {
    let setting = pooler_setting(name)?;
    let form = match setting.kind.as_str() {
        "int" => "whole number".to_owned(),
        "seconds" => "seconds".to_owned(),
        "bool01" => "0 | 1".to_owned(),
        "enum" => setting.words.join(" | "),
        _ => "text".to_owned(),
    };
    let change = if setting.is_reloadable() { "reloads: no client is disturbed" } else { "restarts PgBouncer, with the pods" };
    let mut facts = vec![("A change", change.to_owned())];
    if let Some(rule) = pooler_default_rule(&setting.name) {
        facts.push(("Default here", rule.to_owned()));
    }
    if POOLER_BLOCKED.contains(&setting.name.as_str()) {
        facts.push(("Not yours", "the program sets it, or depends on it; writing it is an error".to_owned()));
    }
    Some(Setting { name: &setting.name, form, facts })
}
