//! Extensions: what a server must be told before one of them can be created.

/// Publisher of an extension whose entry names none, and the only one whose builds the images have.
pub const PUBLISHER: &str = "com.ongres";

/// A list parameter that must name a library, or the extension does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The parameter.
    pub parameter: &'static str,
    /// The library that it must list.
    pub library: &'static str,
    /// Parameters that make sense with it in a pod, unless the user writes them.
    pub also: &'static [(&'static str, &'static str)],
}

/// Extension and what it needs. Source: their own documentation; `CREATE EXTENSION` of the first two fails without, measured on
/// pg_cron 1.6 and pgaudit 17. `pg_stat_statements` can be created and then refuses each query of its view.
const NEEDS: &[(&str, Need)] = &[
    (
        "pg_cron",
        Need {
            parameter: "shared_preload_libraries",
            library: "pg_cron",
            // Jobs otherwise connect over TCP, where `pg_hba` asks for a password that pg_cron does not have.
            also: &[("cron.use_background_workers", "on")],
        },
    ),
    ("pgaudit", Need { parameter: "shared_preload_libraries", library: "pgaudit", also: &[] }),
    ("pg_stat_statements", Need { parameter: "shared_preload_libraries", library: "pg_stat_statements", also: &[] }),
    // Without, only a superuser may name it when a slot is made.
    ("wal2json", Need { parameter: "output_plugin_libraries", library: "wal2json", also: &[] }),
];

/// What an extension needs; most need nothing.
pub fn need_of(extension: &str) -> Option<Need> {
    NEEDS.iter().find(|(name, _)| *name == extension).map(|(_, need)| *need)
}

/// Libraries that some extension needs; a test finds each in every image that is built in.
pub(super) fn needed_libraries() -> impl Iterator<Item = &'static str> {
    NEEDS.iter().map(|(_, need)| need.library)
}

impl Need {
    /// Whether a value of the parameter lists the library.
    pub fn met_by(&self, value: &str) -> bool {
        value.split(',').any(|item| item.trim().trim_matches('"').trim_start_matches("$libdir/").trim_end_matches(".so") == self.library)
    }

    /// The value with the library at its end.
    pub fn added_to(&self, value: &str) -> String {
        if value.trim().is_empty() { self.library.to_owned() } else { format!("{value}, {}", self.library) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{Catalogue, context};

    /// A library that the image lacks stops the start of the server.
    #[test]
    fn what_is_needed_exists() {
        for image in Catalogue::default().images.iter().filter(|image| image.component == "postgres") {
            let major = crate::postgres::major(&image.version).unwrap();
            for (name, need) in NEEDS {
                assert!(image.version_of(name).is_some(), "{name} of {}", image.version);
                assert!(context(major, need.parameter).is_some(), "{} of {major}", need.parameter);
                assert!(need.also.iter().all(|(name, value)| crate::postgres::normalise(major, name, value).is_ok()), "{name}");
            }
        }
        let cron = need_of("pg_cron").unwrap();
        assert!(cron.met_by("a, \"$libdir/pg_cron.so\"") && !cron.met_by("pg_cron2") && !cron.met_by(""));
        assert_eq!((cron.added_to("a"), cron.added_to(" ")), ("a, pg_cron".to_owned(), "pg_cron".to_owned()));
        assert_eq!(need_of("vector"), None);
    }
}
