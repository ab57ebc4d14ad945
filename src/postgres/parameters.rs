//! PostgreSQL's parameters, read from `pg_settings` of running servers of every major version (`parameters.tsv`).

use super::spans::Spans;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// When a change of a parameter takes effect. Source: PostgreSQL documentation, "System View pg_settings", column `context`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Fixed at build time or by `initdb`.
    Internal,
    /// Restart.
    Postmaster,
    /// Reload.
    Sighup,
    /// Reload, then new sessions of anyone with the right only.
    SuperuserBackend,
    /// Reload, then new sessions only.
    Backend,
    /// Reload; superusers may change it per session.
    Superuser,
    /// Reload; anyone may change it per session.
    User,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vartype {
    /// `on` or `off`.
    Bool,
    /// One of a list of words.
    Enum,
    /// A whole number, perhaps with a unit.
    Integer,
    /// A number, perhaps with a unit.
    Real,
    /// Text.
    String,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Name in PostgreSQL's own spelling (`TimeZone`).
    pub name: String,
    /// Base unit (`kB`, `8kB`, `MB`, `ms`, `s`, `min`, `B`), if it has one.
    pub unit: Option<String>,
    /// Library that defines it, or `core`.
    pub library: String,
    vartype: Spans,
    words: Spans,
    context: Spans,
    minimum: Spans,
    maximum: Spans,
    boot: Spans,
    in_file: bool,
}

impl Parameter {
    /// When a change takes effect; `None` where the major version does not have it.
    pub fn context(&self, major: u32) -> Option<Context> {
        Some(match self.context.get(major)? {
            "internal" => Context::Internal,
            "postmaster" => Context::Postmaster,
            "superuser-backend" => Context::SuperuserBackend,
            "backend" => Context::Backend,
            "superuser" => Context::Superuser,
            "user" => Context::User,
            _ => Context::Sighup,
        })
    }

    /// Type of its value in a major version.
    pub fn vartype(&self, major: u32) -> Vartype {
        match self.vartype.get(major) {
            Some("bool") => Vartype::Bool,
            Some("enum") => Vartype::Enum,
            Some("integer") => Vartype::Integer,
            Some("real") => Vartype::Real,
            _ => Vartype::String,
        }
    }

    /// Words of an enum in a major version.
    pub fn words(&self, major: u32) -> Vec<&str> {
        self.words.get(major).unwrap_or_default().split(',').filter(|word| !word.is_empty()).collect()
    }

    /// Whether the empty text is one of the words of an enum.
    pub fn has_empty_word(&self, major: u32) -> bool {
        self.words.get(major).is_some_and(|words| words.starts_with(',') || words.contains(",,"))
    }

    /// Smallest value in base units.
    pub fn minimum(&self, major: u32) -> Option<f64> {
        self.minimum.get(major)?.parse().ok()
    }

    /// Largest value in base units.
    pub fn maximum(&self, major: u32) -> Option<f64> {
        // The largest real number, of which the server shows six digits.
        self.maximum.get(major)?.parse().ok().map(|maximum: f64| if maximum > 1.79e308 { f64::MAX } else { maximum })
    }

    /// Compiled default in base units; the empty text where it is empty.
    pub fn boot_value(&self, major: u32) -> Option<&str> {
        self.boot.get(major).map(|value| if value == "''" { "" } else { value })
    }

    /// Whether the configuration file may hold it. One that may not stops the start, or is taken and has no effect.
    pub const fn belongs_in_file(&self) -> bool {
        self.in_file
    }

    /// Major versions that have it.
    pub fn majors(&self) -> Vec<u32> {
        self.context.versions()
    }
}

static PARAMETERS: LazyLock<BTreeMap<String, Parameter>> = LazyLock::new(|| {
    include_str!("parameters.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, vartype, unit, words, context, minimum, maximum, boot, library, settable, ..] = columns.as_slice() else {
                return None;
            };
            let parameter = Parameter {
                name: (*name).to_owned(),
                unit: (!unit.is_empty()).then(|| (*unit).to_owned()),
                library: (*library).to_owned(),
                vartype: Spans::parse_or_same(vartype),
                words: Spans::parse_or_same(words),
                context: Spans::parse(context),
                minimum: Spans::parse(minimum),
                maximum: Spans::parse(maximum),
                boot: Spans::parse(boot),
                in_file: !matches!(*settable, "no" | "cmdline"),
            };
            Some((name.to_ascii_lowercase(), parameter))
        })
        .collect()
});

/// The parameter of that name in any case; names are compared as PostgreSQL does, without case.
pub fn find(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.get(&name.to_ascii_lowercase())
}

/// When a change of a parameter takes effect in a major version; `None` for one it does not know.
pub fn context(major: u32, name: &str) -> Option<Context> {
    find(name)?.context(major)
}

/// Parameters that `initdb` writes into the file below ours: without a line of ours they have its value, not the compiled one.
/// Source: PostgreSQL documentation, "initdb"; the file it writes.
const WRITTEN_BY_INITDB: &[&str] = &[
    "datestyle",
    "default_text_search_config",
    "dynamic_shared_memory_type",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "log_timezone",
    "timezone",
];

/// The value a parameter has where nobody sets it, in one spelling that PostgreSQL takes; `None` where that is not known.
pub fn built_in_default(major: u32, name: &str) -> Option<String> {
    if WRITTEN_BY_INITDB.contains(&name.to_ascii_lowercase().as_str()) {
        return None;
    }
    let boot = find(name)?.boot_value(major)?;
    super::normalise(major, name, boot).ok().map(|_| super::canonical(major, name, boot))
}

/// Whether every image has a library: one that comes with PostgreSQL itself, or with the extensions that need one.
/// Source: PostgreSQL documentation, appendix "Additional Supplied Modules and Extensions".
pub fn is_library_of_images(name: &str) -> bool {
    const LIBRARIES: &[&str] = &[
        "auth_delay",
        "auto_explain",
        "basebackup_to_shell",
        "basic_archive",
        "passwordcheck",
        "pg_overexplain",
        "pg_prewarm",
        "pg_stat_statements",
        "pg_trgm",
        "pg_walinspect",
        "pgcrypto",
        "plpgsql",
        "postgres_fdw",
        "test_decoding",
    ];
    let plain = name.trim().trim_matches('"').trim_start_matches("$libdir/").trim_end_matches(".so");
    LIBRARIES.contains(&plain) || super::extensions::needed_libraries().any(|library| library == plain)
}

/// Names of every parameter of a major version, sorted.
pub fn names(major: u32) -> Vec<&'static str> {
    PARAMETERS.values().filter(|parameter| parameter.context(major).is_some()).map(|parameter| parameter.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrong context announces a reload where PostgreSQL must restart.
    #[test]
    fn facts_of_known_parameters() {
        assert_eq!(context(17, "max_connections"), Some(Context::Postmaster));
        assert_eq!(context(17, "Work_Mem"), Some(Context::User));
        assert_eq!(context(17, "autovacuum_max_workers"), Some(Context::Postmaster));
        assert_eq!(context(18, "autovacuum_max_workers"), Some(Context::Sighup));
        assert_eq!(context(13, "summarize_wal"), None);
        assert_eq!(context(17, "timezone"), Some(Context::User));
        assert_eq!(find("work_mem").unwrap().unit.as_deref(), Some("kB"));
        assert_eq!(find("max_connections").unwrap().minimum(15), Some(1.0));
        assert_eq!(find("checkpoint_completion_target").unwrap().boot_value(13), Some("0.5"));
        assert_eq!(built_in_default(17, "JIT").as_deref(), Some("on"));
        assert_eq!(built_in_default(17, "work_mem").as_deref(), Some("4096kB"));
        assert_eq!(built_in_default(17, "timezone"), None);
        assert!(!find("data_checksums").unwrap().belongs_in_file() && find("work_mem").unwrap().belongs_in_file());
        assert!(names(18).len() > 350, "the table lost rows: {}", names(18).len());
    }
}
