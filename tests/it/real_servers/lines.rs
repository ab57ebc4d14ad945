//! Lines of `pg_hba.conf` and `pg_ident.conf`: the server reads the files anew for its views, and says of each line what is wrong.

use super::server::Server;
use super::texts::Random;
use super::{block_on, number, seed, servers};
use stackgres::postgres::{ValueProblem, hba_problem_in, ident_problem, normalise};
use std::collections::{BTreeMap, BTreeSet};

const TYPES: &[&str] = &["local", "host", "host", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];
const NAMES: &[&str] = &[
    "all",
    "sameuser",
    "samerole",
    "samegroup",
    "replication",
    "db",
    "\"my db\"",
    "a,b",
    "a, b",
    "\"all\"",
    "+role",
    "/^a.*$",
    "\"/^a, b$\"",
    "/(",
    "@list",
    "ALL",
    "\"\"",
    "é",
    "a,",
    "\"a\"b",
    "\"a\"\"b\"",
];
const ADDRESSES: &[&str] = &[
    "all",
    "samehost",
    "samenet",
    "10.0.0.0/8",
    "10.1.2.3/32",
    "0.0.0.0/0",
    "::/0",
    "::1/128",
    "fd00::/8",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0/8",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0.0/8x",
    "10.0.0.0 255.0.0.0",
    "10.0.0.0 255.0.255.0",
    "::1 ffff::",
    "10.0.0.1",
    "10.0.0.1 ::1",
    "host.example.com",
    ".example.com",
    "*.example.com",
    "example.com/8",
    "\"all\"",
    "010.0.0.1/8",
    "1.2.3/24",
    "fe80::1%lo/64",
    "::ffff:10.0.0.1/128",
    "10.0.0.0/+8",
    "1/8",
    "a,b",
    "10.0.0.0/8,11.0.0.0/8",
];
const METHODS: &[&str] = &[
    "trust",
    "reject",
    "scram-sha-256",
    "scram-sha-256",
    "md5",
    "password",
    "peer",
    "cert",
    "ident",
    "gss",
    "sspi",
    "pam",
    "bsd",
    "ldap",
    "radius",
    "oauth",
    "MD5",
    "\"md5\"",
    "scram",
    "crypt",
    "trust,md5",
    "krb5",
    "",
];
const OPTIONS: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "map=m",
    "clientcert=verify-full",
    "clientcert=verify-ca",
    "clientcert=1",
    "clientcert=no-verify",
    "clientname=CN",
    "clientname=DN",
    "clientname=x",
    "pamservice=x",
    "pam_use_hostname=1",
    "ldapserver=s",
    "ldapserver=s ldapprefix=p",
    "ldapserver=s ldapbasedn=b",
    "ldapserver=s ldapprefix=p ldapbasedn=b",
    "ldapurl=ldap://h/b",
    "ldapport=0",
    "ldapport=389",
    "ldaptls=1",
    "ldapscheme=x",
    "ldapscheme=ldaps",
    "include_realm=1",
    "krb_realm=R",
    "radiusservers=127.0.0.1 radiussecrets=s",
    "radiusservers=127.0.0.1",
    "compat_realm=1",
    "upn_username=1",
    "issuer=https://a",
    "delegate_ident_mapping=1",
    "validator=x",
    "x=y",
    "map",
    "map=",
    "=x",
    "\"map=m\"",
    "map=\"a b\"",
    "map=a,b",
    "map=a=b",
    "extra",
    "# why",
    "ldapsuffix=s",
    "ldapsearchattribute=a",
    "ldapsearchfilter=f",
    "ldapbinddn=d",
];
const MAPS: &[&str] = &[
    "m",
    "map",
    "\"my map\"",
    "/^(.*)$",
    "/^(.*)@x$",
    "\\1",
    "x\\1",
    "all",
    "+role",
    "a,b",
    "a, b",
    "/(",
    "\"/(\"",
    "\"\"",
    "é",
    "@x",
    "/",
    "# c",
    "\"a",
    "include",
    "MAP",
    "*",
];

/// A word between blanks, or a field less, one more, a blank that is none, a quote that is not closed.
fn line(random: &mut Random, fields: &[&[&str]]) -> String {
    let mut words: Vec<String> = fields.iter().map(|words| random.of(words).to_owned()).collect();
    match random.below(14) {
        0 => drop(words.remove(random.below(words.len()))),
        1 => words.insert(random.below(words.len() + 1), random.of(NAMES).to_owned()),
        2 => words[0] = words[0].to_uppercase(),
        3 => words[0].push(','),
        4 => words.insert(0, random.of(&["#", "\"", " ", "\t", ",", "\u{a0}"]).to_owned()),
        _ => {}
    }
    let mut text = words.join(random.of(&[" ", " ", "  ", "\t", " \t ", "\r", "\u{b}", "\u{c}", "\u{a0}"]));
    if random.below(12) == 0 {
        let place = text.char_indices().map(|(place, _)| place).nth(random.below(text.chars().count().max(1))).unwrap_or(0);
        text.insert_str(place, random.of(&["\"", ",", "#", " ", "\\", "=", "/", "é"]));
    }
    text
}

fn hba(random: &mut Random) -> String {
    let kind = random.of(TYPES);
    let kinds: &[&str] = &[kind];
    if kind == "local" {
        line(random, &[kinds, NAMES, NAMES, METHODS, OPTIONS])
    } else {
        line(random, &[kinds, NAMES, NAMES, ADDRESSES, METHODS, OPTIONS])
    }
}

/// What the server says of each line that it refuses.
async fn refused(server: &Server, file: &str, view: &str, lines: &[String]) -> BTreeMap<usize, String> {
    server.write(file, &(lines.join("\n") + "\n")).await;
    // A line that was taken has its columns, whatever else is said of it (without TLS, that hostssl never matches).
    let taken = if view == "pg_hba_file_rules" { "database" } else { "map_name" };
    let statement = format!("select line_number, error from {view} where {taken} is null and error not like 'invalid regular%'");
    let rows = server.client.query(&statement, &[]).await.unwrap();
    rows.into_iter().map(|row| (usize::try_from(row.get::<_, i32>(0)).unwrap() - 1, row.get(1))).collect()
}

type Verdict = fn(u32, &str) -> Option<(String, &'static str)>;

async fn compare(server: &Server, file: &str, view: &str, ours: Verdict, lines: &[String], told: &mut Vec<String>) {
    // Another file that a line names is not in the pod; a backslash at the end would hide the next line. Whether an expression compiles and an
    // interface exists is not asked of us.
    let alone = |line: &&String| {
        !line.to_lowercase().replace('"', "").replace("include_realm", "").contains("include")
            && !line.ends_with('\\')
            && !line.contains('%')
            // From 16 on names may be regular expressions; of one that cannot be compiled the view tells no error, nor of what comes after it.
            && (server.major < 16 || !line.contains(['(', '\\']))
    };
    let lines: Vec<String> = lines.iter().filter(alone).cloned().collect();
    let theirs = refused(server, file, view, &lines).await;
    let mut differences = 0;
    for (place, line) in lines.iter().enumerate() {
        let ours = ours(server.major, line);
        if ours.is_some() != theirs.contains_key(&place) {
            differences += 1;
            told.push(format!(
                "PostgreSQL {}: {file}: {line:?}: the server {:?}, here {:?}",
                server.major,
                theirs.get(&place),
                ours.map(|(problem, _)| problem)
            ));
        }
    }
    println!("PostgreSQL {}: {file}: {} lines, {} refused, {differences} differences", server.major, lines.len(), theirs.len());
}

/// Lines of every shape. A line that only the server refuses keeps the whole file from being read: after a start nobody gets in. One that is
/// refused here alone blocks the cluster.
#[test]
fn lines_are_read_as_on_real_servers() {
    let folders = servers("lines_are_read_as_on_real_servers");
    let seed = seed();
    let count = number("STACKGRES_TEST_TEXTS").map_or(6_000, |count| usize::try_from(count * 20).unwrap());
    block_on(async {
        let mut told = Vec::new();
        for folder in &folders {
            let server = Server::at(folder).await;
            let mut random = Random::new(seed.wrapping_add(u64::from(server.major)));
            let lines: Vec<String> = (0..count).map(|_| hba(&mut random)).collect();
            compare(&server, "pg_hba.conf", "pg_hba_file_rules", hba_problem_of, &lines, &mut told).await;
            // The view is there since 15.
            let lines: Vec<String> = (0..count / 2).map(|_| line(&mut random, &[MAPS, MAPS, MAPS])).collect();
            compare(&server, "pg_ident.conf", "pg_ident_file_mappings", ident_problem_of, &lines, &mut told).await;
        }
        told.sort_by_key(String::len);
        assert!(told.is_empty(), "{} lines differ, seed {seed}; the shortest:\n{}", told.len(), told[..told.len().min(40)].join("\n"));
    });
}

fn hba_problem_of(major: u32, line: &str) -> Option<(String, &'static str)> {
    hba_problem_in(major, line)
}

fn ident_problem_of(_major: u32, line: &str) -> Option<(String, &'static str)> {
    ident_problem(line)
}

/// Names of parameters that no library has, with one dot or more. One that the file cannot hold is a mistake in the whole file: the server does not start.
#[test]
fn names_are_read_as_on_real_servers() {
    const PARTS: &[&str] = &[
        "work_mem", "jit", "my", "app", "x1", "_", "é", "A", "1a", "a-b", "a b", "", "$a", "a$", "*", "'", "\"a\"", "#", "=", "İ", "a:b",
        "a/b",
    ];
    let folders = servers("names_are_read_as_on_real_servers");
    let seed = seed();
    block_on(async {
        let mut told = Vec::new();
        for folder in &folders {
            let server = Server::at(folder).await;
            let mut random = Random::new(seed.wrapping_add(u64::from(server.major)));
            let mut refused = 0;
            let names: BTreeSet<String> = (0..400)
                .map(|_| (0..=random.below(3)).map(|_| random.of(PARTS)).collect::<Vec<_>>().join("."))
                // What begins with a comment is no line with a name.
                .filter(|name| name.contains('.') && !name.starts_with('#'))
                .collect();
            // One a file: the view tells the first mistake and reads no further.
            for name in &names {
                server.write("postgresql.auto.conf", &format!("{name} = '0'\n")).await;
                let theirs = !server.client.query("select from pg_file_settings where error is not null", &[]).await.unwrap().is_empty();
                let ours = matches!(normalise(server.major, name, "0"), Err(problem) if problem != ValueProblem::Unknown);
                refused += usize::from(theirs);
                if ours != theirs {
                    told.push(format!("PostgreSQL {}: {name:?}: refused by {}", server.major, if ours { "us" } else { "the server" }));
                }
            }
            server.write("postgresql.auto.conf", "").await;
            println!("PostgreSQL {}: {} names, {refused} refused", server.major, names.len());
        }
        assert!(told.is_empty(), "seed {seed}:\n{}", told.join("\n"));
    });
}
