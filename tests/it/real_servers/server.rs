//! What a running server says to a text: its verdict, and what the value is then. Nothing it is asked needs a restart.

use futures::future::join_all;
use stackgres::postgres::{Context, context};
use std::collections::BTreeMap;
use tokio_postgres::{Client, Config, NoTls};

/// What a server says to one text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// The value it has then, where that can be asked.
    Taken(Option<String>),
    Refused(String),
}

/// How a text is put to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// `set_config` in a statement of its own: verdict and value.
    Session,
    /// A line of the file: verdict, and after a reload the value.
    File,
    /// `ALTER SYSTEM`, which looks at any value: the verdict alone.
    System,
}

pub(super) struct Server {
    pub(super) client: Client,
    pub(super) major: u32,
    folder: String,
    round: std::cell::Cell<usize>,
}

const VERDICTS: &str = "
    create or replace function pg_temp.verdicts(name text, texts text[]) returns table(taken boolean, said text) language plpgsql as $$
    declare
        before text := current_setting(name);
        one text;
    begin
        foreach one in array texts loop
            begin
                perform set_config(name, one, true);
                said := current_setting(name);
                taken := true;
                -- Put back at once: some values change what follows.
                perform set_config(name, before, true);
            exception when others then
                taken := false;
                said := sqlerrm;
            end;
            return next;
        end loop;
    end $$;
    create or replace function pg_temp.write(path text, content bytea) returns void language plpgsql as $$
    declare
        made oid := lo_from_bytea(0, content);
    begin
        perform lo_export(made, path);
        perform lo_unlink(made);
    end $$";

impl Server {
    /// Connects to the server whose socket is in a folder. A commit must not wait for a standby that a drawn value names.
    pub(super) async fn at(folder: &str) -> Self {
        let mut config = Config::new();
        config.host_path(folder).port(5432).user("postgres").dbname("postgres").options("-c synchronous_commit=local");
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let row = client
            .query_one("select current_setting('server_version_num')::int / 10000, current_setting('data_directory')", &[])
            .await
            .unwrap();
        // Libraries that come with a session. An image may lack one.
        for library in [
            "auto_explain",
            "auth_delay",
            "vector",
            "pg_trgm",
            "plpgsql",
            "pg_prewarm",
            "postgres_fdw",
            "pgcrypto",
            "isn",
            "basic_archive",
            "basebackup_to_shell",
        ] {
            let _missing = client.batch_execute(&format!("load '{library}'")).await;
        }
        client.batch_execute(VERDICTS).await.unwrap();
        let major = u32::try_from(row.get::<_, i32>(0)).unwrap();
        Self { client, major, folder: row.get(1), round: std::cell::Cell::new(0) }
    }

    /// How a parameter can be asked about; `None` where it stands in no file.
    pub(super) fn way(&self, name: &str) -> Way {
        match context(self.major, name) {
            // A value of a few milliseconds would end the session that tries it.
            _ if name == "transaction_timeout" => Way::System,
            Some(Context::User | Context::Superuser) => Way::Session,
            Some(Context::Sighup) => Way::File,
            _ => Way::System,
        }
    }

    /// Names of the parameters that the server has.
    pub(super) async fn names(&self) -> Vec<String> {
        self.client.query("select name from pg_settings", &[]).await.unwrap().into_iter().map(|row| row.get(0)).collect()
    }

    pub(super) async fn in_session(&self, name: &str, texts: &[String]) -> Vec<Said> {
        let rows = self.client.query("select taken, said from pg_temp.verdicts($1, $2)", &[&name, &texts]).await;
        let rows = rows.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        rows.into_iter().map(|row| if row.get(0) { Said::Taken(row.get(1)) } else { Said::Refused(row.get(1)) }).collect()
    }

    pub(super) async fn by_system(&self, name: &str, texts: &[String]) -> Vec<Said> {
        let mut said = Vec::new();
        let name = quoted_name(name);
        for texts in texts.chunks(64) {
            // A line break is the statement's own limit; the file can hold one.
            let statements: Vec<String> = texts.iter().map(|text| format!("alter system set {name} = {}", literal(text))).collect();
            let answers = join_all(statements.iter().map(|statement| self.client.batch_execute(statement))).await;
            said.extend(answers.into_iter().map(|answer| match answer {
                Ok(()) => Said::Taken(None),
                Err(error) => Said::Refused(error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())),
            }));
        }
        let _gone = self.client.batch_execute(&format!("alter system reset {name}")).await;
        said
    }

    /// One text for each of many parameters, in the file: what the server says of each line, and what it has after the reload, with whether
    /// a restart is pending.
    pub(super) async fn in_file(&self, lines: &BTreeMap<String, String>) -> BTreeMap<String, (Said, bool)> {
        let round = self.round.get() + 1;
        self.round.set(round);
        let mut text: String = lines.iter().map(|(name, value)| format!("{name} = {}\n", in_quotes(value))).collect();
        text.push_str(&format!("stackgres.round = '{round}'\n"));
        self.write("postgresql.auto.conf", &text).await;
        let rows = self.client.query("select name, error from pg_file_settings where error is not null", &[]).await.unwrap();
        let problems: BTreeMap<Option<String>, String> = rows.into_iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(!problems.values().any(|problem| problem.contains("syntax")), "{problems:?} in\n{text}");
        self.client.batch_execute("select pg_reload_conf()").await.unwrap();
        let rows = loop {
            let rows = self
                .client
                .query("select name, setting, pending_restart, current_setting('stackgres.round', true) from pg_settings", &[])
                .await
                .unwrap();
            if rows[0].get::<_, Option<&str>>(3) == Some(round.to_string().as_str()) {
                break rows;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        };
        let mut found = BTreeMap::new();
        for row in rows {
            let name: String = row.get(0);
            let Some(_) = lines.get(&name) else { continue };
            let said = match problems.get(&Some(name.clone())) {
                Some(problem) => Said::Refused(problem.clone()),
                None => Said::Taken(row.get(1)),
            };
            found.insert(name, (said, row.get(2)));
        }
        found
    }

    /// Writes a file of the data directory, as the server does.
    pub(super) async fn write(&self, name: &str, text: &str) {
        let path = format!("{}/{name}", self.folder);
        self.client.execute("select pg_temp.write($1, $2)", &[&path, &text.as_bytes()]).await.unwrap();
    }
}

/// A value as `postgresql.conf` has it.
fn in_quotes(text: &str) -> String {
    let inner = text.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n").replace('\r', "\\r");
    format!("'{inner}'")
}

fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn quoted_name(name: &str) -> String {
    name.split('.').map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".")
}
