//! A scenario: how a cluster is, what happens when, and what is expected. Readable text, one thing a line.

use super::release::{NAMES, Release, Values};
use crate::change::{Method, Synchronous};
use std::fmt::{self, Write as _};

/// Logical replication slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slots {
    None,
    /// On the primary alone.
    Plain,
    /// Kept on replicas as well.
    Failover,
}

/// How the cluster is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    /// For everything that takes some time, but not always the same.
    pub(crate) seed: u64,
    pub(crate) instances: u32,
    pub(crate) synchronous: Synchronous,
    pub(crate) method: Method,
    /// Whether poolers can hold clients back (transaction mode).
    pub(crate) pooler: bool,
    /// Whether there is a logical replication slot, and whether replicas keep it as well.
    pub(crate) slots: Slots,
    /// Whether a leader goes on without the API server as long as it sees the other members (`failsafe_mode`).
    pub(crate) failsafe: bool,
    /// A replica that Patroni never makes the leader.
    pub(crate) nofailover: Option<u32>,
    /// In a standby cluster, `max_connections` of the source: what is replayed was written with that.
    pub(crate) source: Option<i64>,
}

/// Something that happens at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A new revision: the names with their values change, everything else stays.
    Release(Vec<(String, i64)>),
    /// A word and its numbers: see `events.rs`.
    Event(&'static str, i64, i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happening {
    pub(crate) at: u64,
    pub(crate) what: What,
}

/// What is expected in the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Expected {
    /// `done`, `stopped` or `waits`.
    pub(crate) end: Option<String>,
    pub(crate) steps: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) setup: Setup,
    pub(crate) happenings: Vec<Happening>,
    pub(crate) expected: Expected,
}

pub(crate) fn values(values: &Values) -> String {
    NAMES.iter().zip(values).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

/// A release with some things changed.
pub(crate) fn changed(mut release: Release, changes: &[(String, i64)]) -> Release {
    for (name, value) in changes {
        match name.as_str() {
            "image" => release.template.image = *value,
            "template" => release.template.label = *value,
            "amounts" => release.template.amounts = *value,
            "class" => release.template.class = *value,
            "instances" => release.instances = u32::try_from(*value).unwrap_or(1),
            _ => {
                if let Some(at) = NAMES.iter().position(|other| other == name) {
                    release.values[at] = *value;
                }
            }
        }
    }
    release
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = &self.setup;
        writeln!(f, "seed {}", setup.seed)?;
        writeln!(f, "instances {}", setup.instances)?;
        let synchronous = match setup.synchronous {
            Synchronous::Off => "off",
            Synchronous::On => "on",
            Synchronous::Strict => "strict",
        };
        writeln!(f, "synchronous {synchronous}")?;
        writeln!(f, "method {}", if setup.method == Method::InPlace { "in-place" } else { "reduced-impact" })?;
        writeln!(f, "pooler {}", if setup.pooler { "transaction" } else { "session" })?;
        match setup.slots {
            Slots::None => {}
            Slots::Plain => writeln!(f, "slots plain")?,
            Slots::Failover => writeln!(f, "slots failover")?,
        }
        if !setup.failsafe {
            writeln!(f, "failsafe off")?;
        }
        if let Some(nofailover) = setup.nofailover {
            writeln!(f, "nofailover {nofailover}")?;
        }
        if let Some(source) = setup.source {
            writeln!(f, "source {source}")?;
        }
        for happening in &self.happenings {
            let mut text = String::new();
            match &happening.what {
                What::Release(changes) => {
                    text.push_str("release");
                    for (name, value) in changes {
                        write!(text, " {name}={value}")?;
                    }
                }
                What::Event(word, first, second) => write!(text, "{word} {first} {second}")?,
            }
            writeln!(f, "at {} {text}", happening.at)?;
        }
        if let Some(end) = &self.expected.end {
            writeln!(f, "expect {end}")?;
        }
        if let Some(steps) = &self.expected.steps {
            writeln!(f, "steps {steps}")?;
        }
        Ok(())
    }
}

impl Scenario {
    /// Reads the text; an error names the line.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let setup = Setup {
            seed: 1,
            instances: 3,
            synchronous: Synchronous::Off,
            method: Method::InPlace,
            pooler: true,
            slots: Slots::None,
            failsafe: true,
            nofailover: None,
            source: None,
        };
        let mut scenario = Self { setup, happenings: Vec::new(), expected: Expected::default() };
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || format!("cannot read: {line}");
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let number = || rest.trim().parse::<u64>().map_err(|_| wrong());
            let setup = &mut scenario.setup;
            match (word, rest) {
                ("seed", _) => setup.seed = number()?,
                ("instances", _) => setup.instances = number()? as u32,
                ("synchronous", "off") => setup.synchronous = Synchronous::Off,
                ("synchronous", "on") => setup.synchronous = Synchronous::On,
                ("synchronous", "strict") => setup.synchronous = Synchronous::Strict,
                ("method", "in-place") => setup.method = Method::InPlace,
                ("method", "reduced-impact") => setup.method = Method::ReducedImpact,
                ("pooler", "transaction") => setup.pooler = true,
                ("pooler", "session") => setup.pooler = false,
                ("slots", "plain") => setup.slots = Slots::Plain,
                ("slots", "failover") => setup.slots = Slots::Failover,
                ("failsafe", "off") => setup.failsafe = false,
                ("nofailover", _) => setup.nofailover = Some(number()? as u32),
                ("source", _) => setup.source = Some(rest.trim().parse().map_err(|_| wrong())?),
                ("expect", _) => scenario.expected.end = Some(rest.to_owned()),
                ("steps", _) => scenario.expected.steps = Some(rest.to_owned()),
                ("at", _) => scenario.happenings.push(happening(rest).ok_or_else(wrong)?),
                _ => return Err(wrong()),
            }
        }
        Ok(scenario)
    }
}

fn happening(text: &str) -> Option<Happening> {
    let mut words = text.split_whitespace();
    let at = words.next()?.parse().ok()?;
    let word = words.next()?;
    if word == "release" {
        let changes = words.map(|word| word.split_once('=').and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?))));
        return Some(Happening { at, what: What::Release(changes.collect::<Option<_>>()?) });
    }
    let word = super::events::WORDS.iter().map(|(word, _)| *word).find(|known| *known == word)?;
    let mut number = || words.next().map_or(Some(0), |word| word.parse().ok());
    Some(Happening { at, what: What::Event(word, number()?, number()?) })
}
