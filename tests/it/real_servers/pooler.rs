//! Values of PgBouncer's settings: the console says what it takes at once and what it has then; what needs a restart is put into a file that
//! ends with a line nobody knows, so that each try ends by itself, at that line or before it.

use super::texts::Random;
use super::{block_on, seed};
use stackgres::postgres::{pooler_needs_restart, pooler_setting, pooler_setting_names, pooler_value, same_pooler_value};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "20",
    "-1",
    "+5",
    "-0",
    "00",
    "08",
    "010",
    "0x10",
    "0X1F",
    "0x",
    "0xg",
    "1e3",
    "1.5",
    "1.",
    ".5",
    "-.5",
    "1s",
    "5 s",
    "1ms",
    "100kB",
    "1_000",
    "1,000",
    "on",
    "off",
    "true",
    "false",
    "yes",
    "no",
    "TRUE",
    "",
    "x",
    "inf",
    "nan",
    "1e400",
    "1e-400",
    "0x1p3",
    "0x1.8",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "-2147483649",
    "9223372036854775808",
    "99999999999999999999",
    "1e2",
    "1E2",
    "1e",
    "0.0001",
    "--1",
    "+-1",
    "'1'",
    "\"1\"",
    "1;",
    "1 ; x",
    "1 # x",
    "é",
    "0777",
    "777",
    "rw",
    "70000",
    "5 5",
];
const WORDS: &[&str] = &[
    "session",
    "Transaction",
    "STATEMENT",
    "statement ",
    "sess",
    "none",
    "auto",
    "default",
    "disable",
    "prefer",
    "Require",
    "verify-ca",
    "md5",
    "any",
    "trust",
    "hba",
    "scram-sha-256",
    "plain",
    "cert",
    "pam",
    "a b",
    "select 1",
    "a=b",
    "*",
    "all",
    "secure",
    "tlsv1.2",
    "x,y",
    "a, b",
];

/// Settings that reload and are asked for in a file all the same: with a small value the console takes no more questions.
const OF_THE_CONSOLE: &[&str] = &["max_packet_size"];

struct Pooler {
    _process: Running,
    console: Client,
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join("root/tmp").join(name), text).unwrap();
}

impl Pooler {
    async fn start(folder: &Path) -> Self {
        write(
            folder,
            "pgbouncer.ini",
            "[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = /var/run/postgresql\nauth_type = any\nadmin_users = pgbouncer\n",
        );
        let process = Running(Command::new(folder.join("pgbouncer")).arg("/tmp/pgbouncer.ini").stderr(Stdio::null()).spawn().unwrap());
        let mut config = Config::new();
        config.host_path(folder.join("root/run/postgresql")).port(6432).user("pgbouncer").dbname("pgbouncer");
        for _ in 0..500 {
            if let Ok((console, connection)) = config.connect(NoTls).await {
                tokio::spawn(connection);
                return Self { _process: process, console };
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the pooler does not listen");
    }

    /// The value after it is set; what it says where it refuses.
    async fn set(&self, name: &str, text: &str) -> Result<String, String> {
        let said = self.console.simple_query(&format!("SET {name} = '{}'", text.replace('\'', "''"))).await;
        said.map_err(|error| error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))?;
        Ok(self.value(name).await)
    }

    async fn value(&self, name: &str) -> String {
        let rows = self.console.simple_query("SHOW CONFIG").await.unwrap();
        let row = rows.iter().find_map(|row| match row {
            SimpleQueryMessage::Row(row) if row.get(0) == Some(name) => Some(row.get(1).unwrap_or_default().to_owned()),
            _ => None,
        });
        row.unwrap_or_else(|| panic!("{name} is not shown"))
    }
}

/// What the program says of a file with one setting, before it comes to the end.
fn in_file(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    write(folder, "one.ini", &format!("[pgbouncer]\n{name} = {text}\nthe_end = 1\n"));
    let done = Command::new(folder.join("pgbouncer")).arg("/tmp/one.ini").output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!done.status.success(), "{name} = {text}: it started");
    if said.contains("the_end") { Ok(()) } else { Err(said) }
}

fn one_value(kind: &str, ours: &str, theirs: &str) -> bool {
    match kind {
        "int" | "uint" | "bool01" | "seconds" => {
            matches!((ours.parse::<f64>(), theirs.parse::<f64>()), (Ok(ours), Ok(theirs)) if (ours - theirs).abs() <= 1e-5 * ours.abs().max(1e-1))
        }
        _ => ours == theirs,
    }
}

/// Every setting with every kind of text. A value that only PgBouncer refuses stops its start, and a reload leaves it half configured; one that
/// means the same in two spellings must not be announced as a change.
#[test]
fn settings_are_read_as_by_a_real_pooler() {
    let Some(folder) = std::env::var_os("STACKGRES_TEST_POOLER").map(PathBuf::from) else {
        eprintln!(
            "SKIPPED real_servers::settings_are_read_as_by_a_real_pooler: no pooler (STACKGRES_TEST_POOLER); tests/postgres/servers gives one"
        );
        return;
    };
    let seed = seed();
    block_on(async {
        let started = std::time::Instant::now();
        let (mut told, mut tried, mut random) = (Vec::new(), 0, Random::new(seed));
        let pooler = Pooler::start(&folder).await;
        for name in pooler_setting_names() {
            let setting = pooler_setting(name).unwrap();
            let mut texts: Vec<String> = NUMBERS.iter().chain(WORDS).map(|text| (*text).to_owned()).collect();
            texts.extend(setting.words.iter().flat_map(|word| [word.clone(), word.to_uppercase()]));
            texts.extend((0..40).map(|_| match random.below(4) {
                0 => format!("{}", random.below(1 << 34)),
                1 => format!("0x{:x}", random.below(1 << 34)),
                2 => format!("{}.{}", random.below(100), random.below(1000)),
                _ => format!("{}{}", random.of(NUMBERS), random.of(NUMBERS)),
            }));
            if setting.kind == "string" {
                texts.truncate(if pooler_needs_restart(name) { 3 } else { 30 });
            }
            // The C library of the image decides on binary numbers; what the console would read as its own grammar is not the file's.
            texts.retain(|text| !text.to_ascii_lowercase().contains("0b"));
            let before = pooler.value(name).await;
            for text in &texts {
                tried += 1;
                let ours = pooler_value(name, text.trim());
                let theirs = if pooler_needs_restart(name) || OF_THE_CONSOLE.contains(&name) {
                    in_file(&folder, name, text).map(|()| None)
                } else {
                    pooler.set(name, text.trim()).await.map(Some)
                };
                let refused = ours.as_ref().is_err_and(stackgres::postgres::PoolerProblem::is_refused);
                if refused != theirs.is_err() {
                    told.push(format!("{name} = {text:?}: PgBouncer {theirs:?}, here {ours:?}"));
                }
                if let (Ok(ours), Ok(Some(theirs))) = (&ours, &theirs) {
                    if !one_value(&setting.kind, ours, theirs) {
                        told.push(format!("{name} = {text:?}: PgBouncer has {theirs:?}, here {ours:?}"));
                    }
                    if !same_pooler_value(name, text.trim(), ours) {
                        told.push(format!("{name} = {text:?}: not the same as {ours:?}, which is its own form"));
                    }
                }
            }
            if !pooler_needs_restart(name) && !OF_THE_CONSOLE.contains(&name) {
                let _kept = pooler.set(name, &before).await;
            }
        }
        println!(
            "PgBouncer: {} settings, {tried} texts, {} differences, {:.1?}",
            pooler_setting_names().len(),
            told.len(),
            started.elapsed()
        );
        assert!(told.is_empty(), "seed {seed}:\n{}", told[..told.len().min(120)].join("\n"));
    });
}
