//! Texts for parameters that are text: the words of each, in lists with the quotes and blanks that lists have.

use super::texts::Random;

const SEPARATORS: &[&str] = &[",", ",", ", ", " , ", ",,", ";", " ", "\t,\n", "=", "-", "|", ":"];

fn words(name: &str) -> &'static [&'static str] {
    match name {
        "DateStyle" => &[
            "iso",
            "ISO",
            "sql",
            "postgres",
            "Postgresql",
            "german",
            "dmy",
            "MDY",
            "ymd",
            "us",
            "european",
            "noneuropean",
            "nonus",
            "non",
            "default",
            "euro",
            "isolate",
            "y",
        ],
        "TimeZone" | "log_timezone" | "cron.timezone" => &[
            "UTC",
            "utc",
            "GMT",
            "Europe/Berlin",
            "europe/berlin",
            "EST5EDT",
            "+3",
            "-3.5",
            "3h",
            "Nowhere/City",
            "posix/UTC",
            "America/Sao_Paulo",
            "local",
        ],
        "client_encoding" => &[
            "UTF8",
            "utf-8",
            "unicode",
            "latin1",
            "LATIN1",
            "sql_ascii",
            "WIN1252",
            "SJIS",
            "ISO_8859_5",
            "iso-8859-1",
            "utf16",
            "EUC_JP",
            "koi8",
            "abc",
            "mskanji",
            "win",
        ],
        "createrole_self_grant" => &["set", "inherit", "SET", "admin", "", "\"set\"", "Inherit"],
        "restrict_nonsystem_relation_kind" => &["view", "foreign-table", "View", "table", "", "foreign_table", "\"view\""],
        "wal_consistency_checking" => &[
            "all",
            "Heap",
            "heap2",
            "btree",
            "Hash",
            "gin",
            "xlog",
            "transaction",
            "generic",
            "SPGist",
            "nothing",
            "brin",
            "sequence",
            "gist",
            "replicationorigin",
            "logicalmessage",
        ],
        "debug_io_direct" => &["data", "wal", "wal_init", "Data", "", "x"],
        "log_connections" => &[
            "receipt",
            "authentication",
            "authorization",
            "setup_durations",
            "all",
            "on",
            "off",
            "true",
            "1",
            "",
            "yes",
            "al",
            "no",
            "t",
            "none",
            "Receipt",
        ],
        "log_destination" => &["stderr", "csvlog", "jsonlog", "syslog", "eventlog", "STDERR", "", "file", "\"stderr\""],
        "pgaudit.log" => &[
            "none", "all", "read", "write", "ddl", "role", "misc", "misc_set", "function", "-read", "-all", "-misc", "ALL", "Write", "x",
            "- read", "\"all\"",
        ],
        "pgaudit.log_level" => {
            &["debug", "debug1", "debug5", "info", "notice", "warning", "log", "error", "fatal", "panic", "LOG", "Notice", "debug6", ""]
        }
        "plpgsql.extra_errors" | "plpgsql.extra_warnings" => {
            &["none", "all", "shadowed_variables", "too_many_rows", "strict_multi_assignment", "ALL", "None", "x", ""]
        }
        "synchronized_standby_slots" | "primary_slot_name" => &[
            "a",
            "slot_1",
            "Slot",
            "a-b",
            "\"a\"",
            "\"A\"",
            "",
            "a b",
            "x23456789012345678901234567890123456789012345678901234567890123456789",
        ],
        "synchronous_standby_names" => {
            &["a", "*", "FIRST 1 (a)", "ANY 1 (a, b)", "2 (a,b)", "ANY (a)", "0 (a)", "first 1 (*)", "FIRST", "(a)", "\"a b\"", "1"]
        }
        "search_path"
        | "temp_tablespaces"
        | "session_preload_libraries"
        | "local_preload_libraries"
        | "output_plugin_libraries"
        | "extension_control_path" => {
            &["a", "public", "\"$user\"", "$user", "A", "\"A\"", "\"a\"\"b\"", "\"", "\"\"", "a.b", "", "a-b", "é", "pg_catalog"]
        }
        "recovery_target" => &["immediate", "Immediate", "", "latest"],
        "recovery_target_timeline" => &["latest", "current", "1", "0x1", "-1", "99999999999", "Latest", "", "1x"],
        "recovery_target_lsn" => &["0/0", "0/1A", "FFFFFFFF/FFFFFFFF", "1", "x/y", "", "0/", "0/123456789"],
        "recovery_target_xid" => &["1", "", "x", "0x10", "-1", "99999999999999999999", "3", "1 "],
        "recovery_target_time" => {
            &["2026-01-01", "now", "today", "2026-01-01 00:00:00+00", "2026-13-01", "", "infinity", "epoch", "yesterday"]
        }
        "recovery_target_name" => &["a", "", "é"],
        "backtrace_functions" => &["a", "foo_bar", "Foo", "a1", "a-b", "", "é", "\"a\""],
        "default_table_access_method" => &["heap", "Heap", "", "nothing", "btree"],
        "default_text_search_config" => &["simple", "pg_catalog.english", "english", "nothing", "", "a.b.c.d", "Simple", "\"simple\""],
        "default_tablespace" => &["pg_default", "", "nothing", "Pg_default"],
        "timezone_abbreviations" => &["Default", "default", "India", "Australia", "", "nothing", "../x"],
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => {
            &["C", "POSIX", "C.UTF-8", "c", "de_DE.UTF-8", "en_US.utf8", "nowhere", "", "de"]
        }
        "pgaudit.role" | "basebackup_to_shell.required_role" => &["a", "postgres", "", "A b"],
        _ => &["a", "b c", "", "é", "$libdir/x", "/path/x", "%p %f", "\"a\"", "A", "x,y"],
    }
}

/// Every word alone, and the names that a fixed limit cuts.
pub(super) fn edges(name: &str) -> Vec<String> {
    let mut texts: Vec<String> =
        words(name).iter().flat_map(|word| [(*word).to_owned(), word.to_uppercase(), format!(" {word} "), format!("{word},")]).collect();
    texts.extend([63, 64, 255, 256].map(|length| "n".repeat(length)));
    texts.extend(["éé\u{7f}\u{1}".to_owned(), format!("{}é", "n".repeat(62))]);
    texts
}

/// A drawn list.
pub(super) fn text(name: &str, random: &mut Random) -> String {
    let words = words(name);
    let mut text = String::new();
    for place in 0..=random.below(4) {
        if place > 0 {
            text.push_str(if random.below(4) == 0 { random.of(SEPARATORS) } else { random.of(&[",", ", "]) });
        }
        let word = random.of(words);
        text.push_str(&match random.below(8) {
            0 => word.to_uppercase(),
            1 => format!("\"{word}\""),
            2 => word.get(..word.len().saturating_sub(1)).unwrap_or_default().to_owned(),
            _ => word.to_owned(),
        });
    }
    text
}
