//! Volumes and object storages.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::Quantity;
use crate::postgres::{LEAST_WAL, normalise};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::warning(
            "volume-too-small-for-wal",
            "WAL alone may fill the volume",
            "`max_wal_size`, `wal_keep_size` and `max_slot_wal_keep_size` together should stay below two fifths of the volume: a full volume stops the database. The defaults do on every volume of 240 MiB or more.",
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
    let Some(volume) = Quantity::parse(&effective.storage.size.value).map(|volume| volume.ceiling() >> 20) else { return Vec::new() };
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
    let help = if LEAST_WAL * 5 > volume * 2 {
        format!(
            "enlarge the volume: PostgreSQL needs {LEAST_WAL} MiB of WAL at the least, which is two fifths of {} MiB",
            LEAST_WAL * 5 / 2
        )
    } else {
        "enlarge the volume or lower max_wal_size, wal_keep_size or max_slot_wal_keep_size".to_owned()
    };
    let problem = Diagnostic::warning("volume-too-small-for-wal", format!("WAL may take {} of {volume} MiB", most + keep + slots));
    vec![context.at(SIZE, problem.help(help))]
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

#[cfg(test)]
mod tests {
    use super::super::test_support::findings;

    const WAL: &str = "volume-too-small-for-wal /spec/pods/persistentVolume/size";

    fn of(volume: &str, parameters: &str) -> bool {
        let more = format!(
            "  pods: {{persistentVolume: {{size: {volume}}}}}\n  configurations: {{postgres: {{postgresql.conf: {{{parameters}}}}}}}\n"
        );
        findings(&more).iter().any(|finding| finding == WAL)
    }

    /// WAL on a small volume fills it just as well as on a large one, and a full volume stops the database.
    #[test]
    fn wal_is_held_against_every_volume() {
        assert_eq!(
            ["100Mi", "235Mi", "240Mi", "512Mi", "1Gi", "5Gi", "64Ti"].map(|volume| of(volume, "")),
            [true, true, false, false, false, false, false]
        );
        // Of 1024 MiB 409 are two fifths; the other two take 51 and 204.
        assert_eq!(["154MB", "155MB"].map(|most| of("1Gi", &format!("max_wal_size: {most}"))), [false, true]);
        assert!(of("5Gi", "max_slot_wal_keep_size: '-1'") && of("512Mi", "max_slot_wal_keep_size: '-1'"));
    }
}
