//! Volumes and object storages.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::Quantity;
use crate::postgres::normalise;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::warning(
            "volume-too-small-for-wal",
            "WAL alone may fill the volume",
            "`max_wal_size`, `wal_keep_size` and `max_slot_wal_keep_size` together should stay below two fifths of the volume: a full volume stops the database.",
        ),
        check: Check::Cluster(wal),
    },
    Rule {
        code: Code::warning("volume-very-small", "the volume is very small", "An empty cluster with its WAL takes some 300 MiB."),
        check: Check::Cluster(small),
    },
];

const SIZE: &str = "/spec/pods/persistentVolume/size";

fn wal(context: &Context<'_>) -> Vec<Diagnostic> {
    let Some(effective) = context.effective else { return Vec::new() };
    let megabytes = |name: &str| {
        let value = effective.postgres.parameters.get(name)?;
        normalise(effective.postgres.major, name, &value.value).ok()?.parse::<i64>().ok()
    };
    let (Some(most), Some(keep), Some(slots)) =
        (megabytes("max_wal_size"), megabytes("wal_keep_size"), megabytes("max_slot_wal_keep_size"))
    else {
        return Vec::new();
    };
    let Some(volume) =
        Quantity::parse(&effective.storage.size.value).map(|volume| volume.ceiling() >> 20).filter(|volume| *volume >= 2_048)
    else {
        return Vec::new();
    };
    if slots < 0 {
        return vec![
            context.at(
                SIZE,
                Diagnostic::warning("volume-too-small-for-wal", "a replication slot may keep WAL without bound")
                    .help("set max_slot_wal_keep_size"),
            ),
        ];
    }
    if (most + keep + slots) * 5 <= volume * 2 {
        return Vec::new();
    }
    let problem = Diagnostic::warning("volume-too-small-for-wal", format!("WAL may take {} of {volume} MiB", most + keep + slots))
        .help("enlarge the volume or lower max_wal_size, wal_keep_size or max_slot_wal_keep_size");
    vec![context.at(SIZE, problem)]
}

fn small(context: &Context<'_>) -> Vec<Diagnostic> {
    match context.effective.and_then(|effective| Quantity::parse(&effective.storage.size.value)) {
        Some(size) if size < Quantity::whole(2 << 30) => vec![context.at(
            SIZE,
            Diagnostic::warning("volume-very-small", format!("{} is very small", size.memory_text())).help("2Gi is a sensible least"),
        )],
        _ => Vec::new(),
    }
}
