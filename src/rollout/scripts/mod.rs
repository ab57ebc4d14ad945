//! Managed SQL: which entry runs next.
//!
//! An entry runs once per version. With `managedVersions` (the default) a version is what the entry says: its digest is over
//! database, user, isolation level, `storeStatusInDatabase`, written version and text, the text of a Secret or ConfigMap included.
//! Digest and version stand in the status of the SGCluster; nothing is written into a `spec`.
//!
//! What was begun and has no recorded end is settled before anything else: a wrapped entry left a marker in its database or did
//! not run; of one without a transaction nobody knows, and it runs again only where a person asks.

mod message;
mod progress;
mod requests;
mod wanted;

pub use message::failure_message;
pub use progress::{Outcome, Progress, Record, ScriptRecord, State};
pub use requests::{RUN_SCRIPT, Requests, SCRIPT_DONE};
pub use wanted::{Entry, Isolation, ManagedSql, Place, Script, Source};

use crate::model::seconds;
use jiff::Timestamp;

/// How often an entry begins whose session is lost each time: it may be what ends the server.
const TRIES: i64 = 3;

/// What to do about managed SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextScript {
    /// Run this entry.
    Run {
        /// Which.
        place: Place,
        /// As which version.
        version: i64,
        /// Whether a person asked for it.
        asked: bool,
    },
    /// Find out what became of this entry.
    Settle(Place),
    /// A person says that this entry is done.
    TakeAsDone(Place),
    /// Nothing now.
    Wait {
        /// One word for programs.
        reason: &'static str,
        /// What for.
        what: String,
        /// When to look again; absent: when something changes.
        until: Option<Timestamp>,
        /// Who or what ends it.
        ends: String,
    },
    /// Every entry did its work.
    Done,
}

/// The next step. Entries are numbered and their sources read before.
pub fn next_script(sql: &ManagedSql, progress: &Progress, requests: &Requests, now: Timestamp) -> NextScript {
    // What was begun is settled first, wherever it stands: two entries never run at once.
    for place in places(sql) {
        let (script, entry) = sql.at(place);
        if progress.record(script, entry).is_some_and(|record| record.state == State::Started) {
            return NextScript::Settle(place);
        }
    }
    let mut first: Option<NextScript> = None;
    let mut soonest: Option<Timestamp> = None;
    for (index, script) in sql.scripts.iter().enumerate() {
        let mut stopped = false;
        for (position, entry) in script.entries.iter().enumerate() {
            let place = Place { script: index, entry: position };
            let record = progress.record(script, entry);
            let blocked = match judge(script, entry, record, requests, now) {
                Judgement::Done => continue,
                Judgement::Run { version, asked } => return NextScript::Run { place, version, asked },
                Judgement::TakeAsDone => return NextScript::TakeAsDone(place),
                Judgement::Blocked { reason, what, until, ends } => NextScript::Wait { reason, what, until, ends },
            };
            if let NextScript::Wait { until: Some(until), .. } = &blocked {
                soonest = Some(soonest.map_or(*until, |soonest| soonest.min(*until)));
            }
            first.get_or_insert(blocked);
            stopped = true;
            if !script.continue_on_error {
                break;
            }
        }
        if stopped && !sql.continue_on_error {
            break;
        }
    }
    match first {
        Some(NextScript::Wait { reason, what, ends, .. }) => NextScript::Wait { reason, what, until: soonest, ends },
        Some(other) => other,
        None => NextScript::Done,
    }
}

fn places(sql: &ManagedSql) -> impl Iterator<Item = Place> {
    let entries = |(script, found): (usize, &Script)| (0..found.entries.len()).map(move |entry| Place { script, entry });
    sql.scripts.iter().enumerate().flat_map(entries)
}

enum Judgement {
    Done,
    Run { version: i64, asked: bool },
    TakeAsDone,
    Blocked { reason: &'static str, what: String, until: Option<Timestamp>, ends: String },
}

fn judge(script: &Script, entry: &Entry, record: Option<&Record>, requests: &Requests, now: Timestamp) -> Judgement {
    let name = format!("{}/{}", script.name, entry.id);
    let written = entry.version.unwrap_or(0);
    let Some(digest) = &entry.digest else {
        // What it says is unknown, so nothing says that it changed.
        if record.is_some_and(|record| record.state == State::Done) {
            return Judgement::Done;
        }
        let problem = entry.problem.as_deref().unwrap_or("its source is not read");
        let what = format!("the entry {name} cannot be read: {problem}");
        return Judgement::Blocked {
            reason: "SourceMissing",
            what,
            until: None,
            ends: "make the source, or correct the reference".to_owned(),
        };
    };
    let Some(record) = record else {
        return if requests.takes_as_done(&script.name, entry.id) {
            Judgement::TakeAsDone
        } else {
            Judgement::Run { version: written, asked: false }
        };
    };
    let same = record.digest.as_ref() == Some(digest);
    let version = match (script.managed_versions, same) {
        (true, true) => record.version,
        (true, false) => written.max(record.version + 1),
        (false, _) => written,
    };
    if requests.asks(&script.name, entry.id) && !record.asked {
        return Judgement::Run { version: version.max(record.version), asked: true };
    }
    let current = match (record.state, script.managed_versions) {
        // Without managed versions a change of the text alone is no wish to run it again; a version never falls.
        (State::Done, false) => written <= record.version,
        (State::Failed | State::Unknown, false) => same && written <= record.version,
        (_, true) => same,
        (State::Started | State::NotRun, false) => false,
    };
    if !current {
        return Judgement::Run { version, asked: false };
    }
    if record.state != State::Done && requests.takes_as_done(&script.name, entry.id) {
        return Judgement::TakeAsDone;
    }
    match record.state {
        State::Done => Judgement::Done,
        State::NotRun if record.intents >= TRIES => Judgement::Blocked {
            reason: "Interrupted",
            what: format!("the entry {name} began {} times, and its session was lost each time; nothing is left of it", record.intents),
            until: None,
            ends: format!(
                "see whether it is what ends the server, then change the script, or annotate the SGCluster with {RUN_SCRIPT}={name}"
            ),
        },
        State::NotRun => match record.retry_at().filter(|due| *due > now) {
            Some(due) => Judgement::Blocked {
                reason: "Interrupted",
                what: format!("the session of the entry {name} was lost; nothing is left of it"),
                until: Some(due),
                ends: format!("it runs again at {}", seconds(due)),
            },
            None => Judgement::Run { version, asked: false },
        },
        State::Started | State::Unknown => Judgement::Blocked {
            reason: "Unknown",
            what: format!(
                "it is not known whether the entry {name} ran to its end: it has no transaction around it, and its end was not recorded"
            ),
            until: None,
            ends: format!(
                "look at the database {}, then annotate the SGCluster with {RUN_SCRIPT}={name} to run it again, or with {SCRIPT_DONE}={name}",
                entry.database
            ),
        },
        State::Failed => {
            let message = record.failure.as_deref().unwrap_or_default();
            let what = format!("the entry {name} failed: {} {message}", record.failure_code.as_deref().unwrap_or_default());
            if !entry.retry {
                let ends = format!("change the script, or annotate the SGCluster with {RUN_SCRIPT}={name} to run it again");
                return Judgement::Blocked { reason: "Failed", what, until: None, ends };
            }
            match record.retry_at().filter(|due| *due > now) {
                Some(due) => {
                    Judgement::Blocked { reason: "Failed", what, until: Some(due), ends: format!("it is tried again at {}", seconds(due)) }
                }
                None => Judgement::Run { version, asked: false },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wanted::entry;
    use super::*;
    use crate::model::Object;
    use serde_json::{Value, json};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    /// A cluster that refers to scripts, and the scripts, from YAML.
    fn manifests(text: &str) -> Vec<Object> {
        let documents: Vec<Value> = text.split("---\n").map(|document| serde_yaml::from_str(document).unwrap()).collect();
        documents.into_iter().map(Object::new).collect()
    }

    fn wanted(cluster: &str, script: &str) -> ManagedSql {
        let text = format!(
            "kind: SGCluster\nmetadata: {{name: c}}\nspec: {{managedSql: {{{cluster} scripts: [{{sgScript: a}}, {{sgScript: b}}]}}}}\n---\nkind: SGScript\nmetadata: {{name: a}}\nspec: {{{script}}}\n---\nkind: SGScript\nmetadata: {{name: b}}\nspec: {{scripts: [{{script: last}}]}}\n"
        );
        let mut sql = ManagedSql::of(&manifests(&text));
        for entry in sql.scripts.iter_mut().flat_map(|script| &mut script.entries) {
            match entry.source.clone() {
                Source::Inline(text) => entry.take(Ok(&text)),
                Source::Secret(name, _) | Source::ConfigMap(name, _) => entry.take(Err(format!("there is no {name}"))),
            }
        }
        sql
    }

    /// The world: what is wanted, what is recorded, the time.
    struct World {
        sql: ManagedSql,
        progress: Progress,
        requests: Requests,
        now: i64,
    }

    impl World {
        fn new(sql: ManagedSql) -> Self {
            Self { sql, progress: Progress::default(), requests: Requests::default(), now: 0 }
        }

        fn want(&mut self, mut sql: ManagedSql) {
            sql.number(&self.progress);
            self.progress = self.progress.tidied(&sql, &self.requests);
            self.sql = sql;
        }

        fn ask(&mut self, annotation: &str, value: &str) {
            let cluster = json!({"kind": "SGCluster", "metadata": {"annotations": {annotation: value}}});
            self.requests = Requests::of(&Object::new(cluster));
            self.progress = self.progress.tidied(&self.sql, &self.requests);
        }

        fn next(&self) -> NextScript {
            next_script(&self.sql, &self.progress, &self.requests, at(self.now))
        }

        fn begin(&mut self) -> (String, i64, Place) {
            let NextScript::Run { place, version, asked } = self.next() else { panic!("{:?}", self.next()) };
            self.progress = self.progress.started(&self.sql, place, version, asked, at(self.now));
            // What is written is what is read.
            let status = json!({"status": {"managedSql": self.progress.to_value()}});
            assert_eq!(Progress::read(&Object::new(status)).as_ref(), Ok(&self.progress));
            let (script, entry) = self.sql.at(place);
            (format!("{}/{}", script.name, entry.id), version, place)
        }

        /// Runs the next entry; gives its name and version.
        fn run(&mut self, outcome: Outcome) -> (String, i64) {
            let (name, version, place) = self.begin();
            self.progress = self.progress.ended(&self.sql, place, outcome, at(self.now));
            (name, version)
        }

        /// Runs everything that is due, each with success.
        fn run_all(&mut self) -> Vec<String> {
            let mut ran = Vec::new();
            while matches!(self.next(), NextScript::Run { .. }) {
                let (name, version) = self.run(Outcome::Done);
                ran.push(format!("{name} v{version}"));
                assert!(ran.len() < 20, "{ran:?}");
            }
            ran
        }

        fn waits(&self) -> (&'static str, Option<Timestamp>, String) {
            match self.next() {
                NextScript::Wait { reason, until, what, ends } => (reason, until, format!("{what}; {ends}")),
                other => panic!("{other:?}"),
            }
        }
    }

    fn failed() -> Outcome {
        Outcome::Failed { code: "42P01".to_owned(), message: "relation \"x\" does not exist".to_owned() }
    }

    const TWO: &str = "scripts: [{id: 0, script: one}, {id: 5, script: two}]";

    #[test]
    fn entries_run_in_order_and_once() {
        let mut world = World::new(wanted("", TWO));
        assert_eq!(world.run_all(), ["a/0 v0", "a/5 v0", "b/0 v0"]);
        assert_eq!(world.next(), NextScript::Done);
        let list = &world.progress.scripts[0];
        assert!(list.completed_at.is_some() && list.failed_at.is_none() && list.scripts[0].intents == 1);
    }

    #[test]
    fn a_changed_entry_runs_again_and_no_other() {
        let mut world = World::new(wanted("", TWO));
        world.run_all();
        world.want(wanted("", "scripts: [{id: 0, script: one}, {id: 5, script: two again}]"));
        assert_eq!(world.run_all(), ["a/5 v1"]);
        world.want(wanted("", "scripts: [{id: 0, script: one, database: other}, {id: 5, script: two again, user: me}]"));
        assert_eq!(world.run_all(), ["a/0 v1", "a/5 v2"]);
        world.want(wanted("", "scripts: [{id: 0, script: one, database: other, wrapInTransaction: serializable}, {id: 5, script: two again, user: me, version: 9}]"));
        assert_eq!(world.run_all(), ["a/0 v2", "a/5 v9"]);
        // Whether to try again after a failure says nothing about what was done.
        world.want(wanted("", "continueOnError: true, scripts: [{id: 0, script: one, database: other, wrapInTransaction: serializable, name: x}, {id: 5, script: two again, user: me, version: 9, retryOnError: true}]"));
        assert_eq!(world.run_all(), [""; 0]);
    }

    /// Written versions alone decide where a person manages them; a text that was edited in between is no wish.
    #[test]
    fn without_managed_versions_a_raised_version_runs_again() {
        let unmanaged = |entry: &str| wanted("", &format!("managedVersions: false, scripts: [{{id: 0, {entry}}}]"));
        let mut world = World::new(unmanaged("version: 3, script: one"));
        assert_eq!(world.run_all()[0], "a/0 v3");
        world.want(unmanaged("version: 3, script: changed"));
        assert_eq!(world.run_all(), [""; 0]);
        world.want(unmanaged("version: 2, script: changed"));
        assert_eq!(world.run_all(), [""; 0], "versions only rise");
        world.want(unmanaged("version: 4, script: changed"));
        assert_eq!(world.run_all(), ["a/0 v4"]);
        // Handed over to managed versions: what ran is known by its digest.
        world.want(wanted("", "scripts: [{id: 0, version: 4, script: changed}]"));
        assert_eq!(world.run_all(), [""; 0]);
    }

    /// An insert at the front must not run every entry behind it again.
    #[test]
    fn entries_without_ids_keep_their_records_when_others_come_before_them() {
        let mut world = World::new(wanted("", "scripts: [{script: one}, {script: two}]"));
        world.want(world.sql.clone());
        assert_eq!(world.run_all(), ["a/0 v0", "a/1 v0", "b/0 v0"]);
        world.want(wanted("", "scripts: [{script: new}, {script: one}, {script: two}]"));
        assert_eq!(world.run_all(), ["a/2 v0"]);
        world.want(wanted("", "scripts: [{script: two}, {script: new}, {script: one edited}]"));
        assert_eq!(world.run_all(), ["a/3 v0"], "edited and moved at once: nobody can know that it was the same");
        world.want(wanted("", "scripts: [{script: two edited}]"));
        assert_eq!(world.run_all(), ["a/0 v0"]);
        world.want(wanted("", "scripts: [{script: two edited}, {id: 0, script: written}]"));
        let ids: Vec<i64> = world.sql.scripts[0].entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids[1], 0);
        assert_ne!(ids[0], 0, "a written id is nobody else's");
    }

    #[test]
    fn a_failure_stops_what_comes_after_it() {
        let mut world = World::new(wanted("", TWO));
        world.run(failed());
        let (reason, until, text) = world.waits();
        assert_eq!((reason, until), ("Failed", None));
        assert!(text.contains("a/0 failed: 42P01") && text.contains("stackgres.io/run-script=a/0"), "{text}");
        assert!(world.progress.scripts[0].failed_at.is_some() && world.progress.scripts[0].completed_at.is_none());
        // New content is what it waits for.
        world.want(wanted("", "scripts: [{id: 0, script: one corrected}, {id: 5, script: two}]"));
        assert_eq!(world.run_all(), ["a/0 v1", "a/5 v0", "b/0 v0"]);
        assert_eq!(world.progress.scripts[0].failed_at, None);
    }

    #[test]
    fn a_failure_is_passed_over_where_the_flags_say_so() {
        let mut world = World::new(wanted("", &format!("continueOnError: true, {TWO}")));
        world.run(failed());
        assert_eq!(world.run_all(), ["a/5 v0"], "the next script waits for its own flag");
        assert_eq!(world.waits().0, "Failed");

        let mut world = World::new(wanted("continueOnSGScriptError: true,", TWO));
        world.run(failed());
        assert_eq!(world.run_all(), ["b/0 v0"], "the entries behind it wait for their own flag");
        assert_eq!(world.waits().0, "Failed", "a failure is not forgotten because others went on");
    }

    #[test]
    fn a_failed_entry_is_tried_again_with_longer_and_longer_pauses() {
        let mut world = World::new(wanted("", "scripts: [{id: 0, script: one, retryOnError: true}]"));
        for pause in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(world.run(failed()), ("a/0".to_owned(), 0));
            assert_eq!(world.waits().1, Some(at(world.now + pause)));
            world.now += pause - 1;
            world.waits();
            world.now += 1;
        }
        assert_eq!(world.run_all(), ["a/0 v0", "b/0 v0"]);
        let record = &world.progress.scripts[0].scripts[0];
        assert_eq!((record.intents, &record.failure, &record.failure_code), (8, &None, &None));
    }

    /// The process died in the middle: what began is settled before anything else runs.
    #[test]
    fn what_began_is_settled_first() {
        for (entry, wrapped) in [("script: one", false), ("script: one, wrapInTransaction: read-committed", true)] {
            let mut world =
                World::new(wanted("", &format!("continueOnError: true, scripts: [{{id: 0, {entry}}}, {{id: 1, script: two}}]")));
            let (_, _, place) = world.begin();
            assert_eq!(world.next(), NextScript::Settle(place));
            let record = &world.progress.scripts[0].scripts[0];
            assert_eq!((record.wrapped, record.database.as_deref()), (wrapped, Some("postgres")));
            // Changed meanwhile: first it must be known what became of the old one.
            world.want(wanted("", &format!("scripts: [{{id: 0, {entry} x}}, {{id: 1, script: two}}]").replace(" x}", ", database: x}")));
            assert_eq!(world.next(), NextScript::Settle(place));
        }
    }

    #[test]
    fn an_unknown_end_is_not_run_again_unasked() {
        let mut world = World::new(wanted("", TWO));
        world.run(Outcome::Unknown);
        let (reason, until, text) = world.waits();
        assert_eq!((reason, until), ("Unknown", None));
        assert!(text.contains("stackgres.io/run-script=a/0") && text.contains("stackgres.io/script-done=a/0"), "{text}");
        world.now += 100_000;
        world.waits();
        // Asked for, it runs once, however long the annotation stays.
        world.ask(RUN_SCRIPT, "other/0, a/0");
        assert_eq!(world.run(failed()).0, "a/0");
        assert_eq!(world.waits().0, "Failed");
        world.ask("nothing", "");
        world.ask(RUN_SCRIPT, "a/0");
        assert_eq!(world.run_all(), ["a/0 v0", "a/5 v0", "b/0 v0"]);
        assert_eq!(world.next(), NextScript::Done);
    }

    #[test]
    fn a_person_may_say_that_an_unknown_one_is_done() {
        let mut world = World::new(wanted("", TWO));
        world.run(Outcome::Unknown);
        world.ask(SCRIPT_DONE, "a/0");
        let NextScript::TakeAsDone(place) = world.next() else { panic!("{:?}", world.next()) };
        world.progress = world.progress.ended(&world.sql, place, Outcome::Done, at(0));
        assert_eq!(world.run_all(), ["a/5 v0", "b/0 v0"]);
    }

    /// A script that ends the server must not end it again and again.
    #[test]
    fn one_that_left_nothing_behind_runs_again_a_few_times() {
        let mut world = World::new(wanted("", "scripts: [{id: 0, script: one, wrapInTransaction: read-committed}]"));
        let mut runs = Vec::new();
        for pause in [10, 20] {
            world.run(Outcome::NotRun);
            runs.push(world.progress.scripts[0].scripts[0].run());
            assert_eq!((world.waits().0, world.waits().1), ("Interrupted", Some(at(world.now + pause))));
            world.now += pause;
        }
        assert_ne!(runs[0], runs[1], "the marker of one run is not that of another");
        world.run(Outcome::NotRun);
        world.now += 100_000;
        let (reason, until, text) = world.waits();
        assert_eq!((reason, until), ("Interrupted", None));
        assert!(text.contains("began 3 times") && text.contains("stackgres.io/run-script=a/0"), "{text}");
        world.ask(RUN_SCRIPT, "a/0");
        assert_eq!(world.run_all(), ["a/0 v0", "b/0 v0"]);
    }

    /// A Secret that cannot be read is unknown, never changed and never empty.
    #[test]
    fn a_source_that_is_missing_is_waited_for() {
        let secret = "scripts: [{id: 0, scriptFrom: {secretKeyRef: {name: s, key: k}}}]";
        let mut world = World::new(wanted("", secret));
        assert_eq!(world.waits().0, "SourceMissing");
        world.sql.scripts[0].entries[0].take(Ok("one"));
        assert_eq!(world.run_all(), ["a/0 v0", "b/0 v0"]);
        world.want(wanted("", secret));
        assert_eq!(world.next(), NextScript::Done);
    }

    #[test]
    fn what_is_no_longer_referred_to_is_forgotten() {
        let mut world = World::new(wanted("", TWO));
        world.run_all();
        world.want(wanted("", "scripts: [{id: 5, script: two}]"));
        assert_eq!(world.progress.scripts[0].scripts.len(), 1);
        assert!(Progress::read(&Object::new(json!({"status": {"managedSql": {"scripts": 1}}}))).is_err(), "unreadable is not empty");
    }

    /// Statuses and events are read by more people than scripts are.
    #[test]
    fn failures_show_no_values() {
        let of = |script: &str| entry(&serde_yaml::from_str(script).unwrap());
        let inline = of("script: a");
        let secret = of("scriptFrom: {secretKeyRef: {name: a, key: b}}");
        for (entry, code, message, shown) in [
            (&inline, "42P01", "relation \"x\" does not exist", "relation \"x\" does not exist (line 3)"),
            (
                &inline,
                "42601",
                "unterminated quoted string at or near \"'hunter2\"",
                "unterminated quoted string at or near (hidden) (line 3)",
            ),
            (
                &inline,
                "22P02",
                "invalid input syntax for type integer: \"hunter2\"",
                "invalid input syntax for type integer: (hidden) (line 3)",
            ),
            (&inline, "P0001", "password=hunter2", "password=(hidden) (line 3)"),
            (&secret, "42P01", "relation \"hunter2\" does not exist", "relation (hidden) does not exist (line 3)"),
            (&secret, "P0001", "hunter2", "(hidden) (line 3)"),
        ] {
            assert_eq!(failure_message(entry, code, message, Some(3)), shown);
        }
    }
}
