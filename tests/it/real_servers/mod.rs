//! What the program knows of PostgreSQL and PgBouncer, against running servers of every image: each verdict and each meaning of a value is asked
//! of the server as well.
//!
//! Skipped, loudly, where no servers are given: `tests/postgres/servers` starts them. `STACKGRES_TEST_SEED` repeats a run,
//! `STACKGRES_TEST_TEXTS` is how many texts a parameter gets.

mod lines;
mod lists;
mod pooler;
mod server;
mod texts;

use server::{Said, Server, Way};
use stackgres::postgres::{BLOCKED, Vartype, canonical, find, names, normalise, number_of, same_value};
use std::collections::{BTreeMap, BTreeSet};
use texts::{Random, shown_number, texts};

/// The folders of the servers' sockets; nothing where a test is skipped.
fn servers(test: &str) -> Vec<String> {
    let Ok(folders) = std::env::var("STACKGRES_TEST_SERVERS") else {
        eprintln!("SKIPPED real_servers::{test}: no servers (STACKGRES_TEST_SERVERS); tests/postgres/servers starts them");
        return Vec::new();
    };
    folders.split(',').map(str::to_owned).collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The seed of this run, which is told: `STACKGRES_TEST_SEED`, or the day.
fn seed() -> u64 {
    let days = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let seed = number("STACKGRES_TEST_SEED").unwrap_or_else(days);
    println!("STACKGRES_TEST_SEED={seed}");
    seed
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future);
}

/// What of a parameter is not compared, and why: the server's answer depends on more than the text.
struct Unjudged(BTreeMap<&'static str, &'static str>);

impl Unjudged {
    fn read() -> Self {
        let lines = include_str!("unjudged.tsv").lines().filter(|line| !line.starts_with('#'));
        Self(lines.map(|line| line.split('\t').collect::<Vec<_>>()).map(|columns| (columns[0], columns[1])).collect())
    }

    fn verdict(&self, name: &str) -> bool {
        // Text that users cannot set, nothing is read in.
        if BLOCKED.contains(&name.to_ascii_lowercase().as_str())
            && find(name).is_some_and(|parameter| parameter.vartype(17) == Vartype::String)
        {
            return true;
        }
        self.0.get(name).is_some_and(|what| matches!(*what, "verdict" | "all"))
    }

    fn value(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|what| matches!(*what, "value" | "all"))
    }
}

/// What is different between the server and us for one text; nothing where we agree.
fn difference(unjudged: &Unjudged, major: u32, name: &str, text: &str, said: &Said) -> Option<String> {
    let above = unjudged.0.get(name).and_then(|what| what.strip_prefix("above ")?.parse::<f64>().ok());
    let large = above.is_some_and(|above| number_of(major, name, text).is_some_and(|number| number > above));
    // Binary numbers: the C library of the image decides.
    if large || text.to_ascii_lowercase().contains("0b") {
        return None;
    }
    match (normalise(major, name, text), said) {
        (Ok(ours), Said::Refused(why)) if !unjudged.verdict(name) => Some(format!("the server refuses it ({why}), here it is {ours:?}")),
        (Err(problem), Said::Taken(value)) if !unjudged.verdict(name) => {
            Some(format!("the server takes it as {value:?}, here it {problem}"))
        }
        (Ok(ours), Said::Taken(Some(theirs))) if !unjudged.value(name) && !one_value(major, name, &ours, theirs) => {
            Some(format!("the server has {theirs:?}, here it is {ours:?}"))
        }
        _ => None,
    }
}

/// Whether our form and what the server shows are one value. It shows six digits of a real number.
fn one_value(major: u32, name: &str, ours: &str, theirs: &str) -> bool {
    let parameter = find(name).unwrap();
    match parameter.vartype(major) {
        Vartype::Integer => ours.parse::<f64>() == Ok(shown_number(parameter, theirs)),
        Vartype::Real => {
            let (ours, theirs) = (ours.parse::<f64>().unwrap(), shown_number(parameter, theirs));
            (ours - theirs).abs() <= 1e-5 * ours.abs().max(theirs.abs())
        }
        _ => ours == theirs,
    }
}

/// The same texts for a parameter whatever else is drawn: a failure is repeated by the seed alone.
fn random_for(seed: u64, major: u32, name: &str) -> Random {
    Random::new(name.bytes().fold(seed.wrapping_add(u64::from(major)), |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))))
}

struct Found {
    name: String,
    text: String,
    what: String,
}

/// Asks one server about every parameter; gives what differs.
async fn compare(server: &Server, seed: u64, count: usize) -> Vec<Found> {
    let (unjudged, major, started) = (Unjudged::read(), server.major, std::time::Instant::now());
    let known = server.names().await;
    let asked: Vec<&str> =
        names(major).into_iter().filter(|name| known.iter().any(|known| known == name) && find(name).unwrap().belongs_in_file()).collect();
    let mut answers: BTreeMap<&str, Vec<(String, Said)>> = BTreeMap::new();
    let drawn = |name: &str| {
        let parameter = find(name).unwrap();
        let mut drawn = texts(parameter, major, &mut random_for(seed, major, name), count);
        // What the program writes into the file must be taken, and be the same.
        let written: Vec<String> =
            drawn.iter().filter(|text| normalise(major, name, text).is_ok()).take(40).map(|text| canonical(major, name, text)).collect();
        drawn.extend(written);
        drawn
    };
    for name in asked.iter().filter(|name| server.way(name) != Way::File) {
        let mut texts = drawn(name);
        // The server reads names in any case.
        let spelled = if name.len() % 2 == 0 { name.to_uppercase() } else { (*name).to_owned() };
        let said = if server.way(name) == Way::Session {
            server.in_session(&spelled, &texts).await
        } else {
            texts.retain(|text| !text.contains('\n'));
            server.by_system(name, &texts).await
        };
        assert_eq!(texts.len(), said.len(), "{name}");
        answers.insert(name, texts.into_iter().zip(said).collect());
    }
    let mut found = Vec::new();
    pending(server, &asked, &mut answers, &unjudged, &drawn, &mut found).await;
    let (mut tried, mut taken) = (0, 0);
    for (name, answers) in &answers {
        tried += answers.len();
        taken += answers.iter().filter(|(_, said)| matches!(said, Said::Taken(_))).count();
        let differences = answers.iter().filter_map(|(text, said)| Some((text, difference(&unjudged, major, name, text, said)?)));
        found.extend(differences.map(|(text, what)| Found { name: (*name).to_owned(), text: text.clone(), what }));
        found.extend(pairs(&unjudged, major, name, answers));
    }
    println!(
        "PostgreSQL {major}: {} parameters, {tried} texts, {taken} taken, {} differences, {:.1?}",
        asked.len(),
        found.len(),
        started.elapsed()
    );
    found
}

/// Rounds over the file, a text for each parameter at once: those that a reload applies are read back; those that need a restart tell whether
/// the text means what runs.
async fn pending<'a>(
    server: &Server,
    asked: &[&'a str],
    answers: &mut BTreeMap<&'a str, Vec<(String, Said)>>,
    unjudged: &Unjudged,
    drawn: &impl Fn(&str) -> Vec<String>,
    found: &mut Vec<Found>,
) {
    let major = server.major;
    let running = server.client.query("select name, setting from pg_settings where context = 'postmaster'", &[]).await.unwrap();
    let running: BTreeMap<String, Option<String>> = running.into_iter().map(|row| (row.get(0), row.get(1))).collect();
    let files: Vec<(&str, Vec<String>)> =
        asked.iter().filter(|name| server.way(name) == Way::File).map(|name| (*name, drawn(name))).collect();
    let restarts: Vec<(&str, Vec<String>)> = asked
        .iter()
        .filter(|name| running.contains_key(**name) && !unjudged.value(name))
        .map(|name| {
            let ok = answers[*name].iter().filter(|(_, said)| matches!(said, Said::Taken(_)));
            let spelled = running[*name].iter().flat_map(|value| [value.clone(), canonical(major, name, value)]);
            (*name, ok.map(|(text, _)| text.clone()).chain(spelled).collect())
        })
        .collect();
    let rounds = files.iter().chain(&restarts).map(|(_, texts)| texts.len()).max().unwrap_or(0);
    for round in 0..rounds {
        let lines = files.iter().chain(&restarts).map(|(name, texts)| ((*name).to_owned(), texts[round % texts.len()].clone())).collect();
        let said = server.in_file(&lines).await;
        for (name, texts) in &files {
            if round < texts.len() {
                answers.entry(name).or_default().push((texts[round].clone(), said[*name].0.clone()));
            }
        }
        for (name, _) in &restarts {
            let (text, Some(value)) = (&lines[*name], &running[*name]) else { continue };
            if normalise(major, name, text).is_ok() && same_value(major, name, text, value) == said[*name].1 {
                let what =
                    format!("the server runs with {value:?} and says that a restart is {}pending", if said[*name].1 { "" } else { "not " });
                found.push(Found { name: (*name).to_owned(), text: text.clone(), what });
            }
        }
    }
    server.write("postgresql.auto.conf", "").await;
    server.client.batch_execute("select pg_reload_conf()").await.unwrap();
}

/// Any two texts mean the same to us exactly where the server shows the same: our forms and its forms belong together one by one.
fn pairs(unjudged: &Unjudged, major: u32, name: &str, answers: &[(String, Said)]) -> Vec<Found> {
    let (mut by_ours, mut by_theirs) = (BTreeMap::new(), BTreeMap::new());
    let mut found = Vec::new();
    // Real numbers are shown with six digits.
    if unjudged.value(name) || find(name).unwrap().vartype(major) == Vartype::Real {
        return found;
    }
    for (text, said) in answers {
        let (Ok(ours), Said::Taken(Some(theirs))) = (normalise(major, name, text), said) else { continue };
        let (first, shown) = by_ours.entry(ours.clone()).or_insert((text, theirs));
        let (other, form) = by_theirs.entry(theirs).or_insert((text, ours.clone()));
        for (other, same) in [(first, *shown == theirs), (other, *form == ours)] {
            if !same {
                found.push(Found { name: name.to_owned(), text: text.clone(), what: format!("{other:?} is the same for one of us only") });
            }
        }
    }
    found
}

/// The shortest text like it that still differs.
async fn shrunk(server: &Server, found: &Found) -> (String, String) {
    let (unjudged, name) = (Unjudged::read(), found.name.as_str());
    let mut best = (found.text.clone(), found.what.clone());
    'shorter: loop {
        let letters: Vec<char> = best.0.chars().collect();
        for skipped in 0..letters.len() {
            let text: String = letters.iter().enumerate().filter(|(place, _)| *place != skipped).map(|(_, letter)| letter).collect();
            let said = match server.way(name) {
                Way::Session => server.in_session(name, std::slice::from_ref(&text)).await.remove(0),
                Way::System => server.by_system(name, std::slice::from_ref(&text)).await.remove(0),
                Way::File => server.in_file(&BTreeMap::from([(name.to_owned(), text.clone())])).await.remove(name).unwrap().0,
            };
            if let Some(what) = difference(&unjudged, server.major, name, &text, &said) {
                best = (text, what);
                continue 'shorter;
            }
        }
        return best;
    }
}

/// Every parameter of every server, with texts of every kind. Where we refuse what the server takes, a cluster is blocked for nothing; where we
/// take what it refuses, it does not start; where one value has two meanings, a plan announces a restart that changes nothing, or none.
#[test]
fn values_are_read_as_on_real_servers() {
    let folders = servers("values_are_read_as_on_real_servers");
    let seed = seed();
    let count = number("STACKGRES_TEST_TEXTS").and_then(|count| usize::try_from(count).ok()).unwrap_or(260);
    block_on(async {
        let mut told = Vec::new();
        for folder in &folders {
            let server = Server::at(folder).await;
            let found = compare(&server, seed, count).await;
            let names: BTreeSet<&str> = found.iter().map(|found| found.name.as_str()).collect();
            for name in names {
                let first = found.iter().find(|found| found.name == name).unwrap();
                let (text, what) = shrunk(&server, first).await;
                let count = found.iter().filter(|found| found.name == name).count();
                told.push(format!(
                    "PostgreSQL {}: {name} = {text:?}: {what} (one of {count}; drawn: {:?}: {})",
                    server.major, first.text, first.what
                ));
            }
        }
        assert!(told.is_empty(), "{} parameters differ, seed {seed}:\n{}", told.len(), told.join("\n"));
    });
}
