//! Certificates and credentials change under a cluster that runs: proved by serial numbers in handshakes and by logins.

use super::{Database, NAME, Nodes, on_real_nodes, said, until};
use stackgres::apply::{MadeCertificate, make_authority, sign};
use stackgres::health::{read_certificate, read_der};
use stackgres::instance::{Endpoint, Greeting, Limits, PATRONI_PORT, POOLER_PORT, POSTGRES_PORT, served_certificate};

/// Serial numbers that a pod serves: Patroni, PostgreSQL, PgBouncer.
fn serials(database: &Database<'_>, pod: &str) -> Vec<String> {
    let address = database.kubectl(&["get", "pod", pod, "-o", "jsonpath={.status.podIP}"]).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let endpoint = Endpoint { address, port: POSTGRES_PORT, server_name: "any".to_owned(), authority: None, patroni: None };
    [(PATRONI_PORT, Greeting::Tls), (POSTGRES_PORT, Greeting::Postgres), (POOLER_PORT, Greeting::Postgres)]
        .into_iter()
        .map(|(port, greeting)| {
            // Patroni opens its port anew for a new certificate.
            let served = runtime.block_on(served_certificate(&Limits::default(), &endpoint.at(port), greeting));
            served.map_or_else(|error| error.to_string(), |served| read_der(&served).unwrap().serial)
        })
        .collect()
}

fn pods(database: &Database<'_>) -> Vec<String> {
    let mut pods = database.replicas();
    pods.push(database.primary());
    pods
}

/// Waits until every instance serves the certificate with this serial number everywhere.
fn until_served(database: &Database<'_>, serial: &str) {
    for pod in pods(database) {
        until(&format!("{pod} serves {serial}"), 240, || serials(database, &pod) == [serial; 3]);
    }
}

fn entry(database: &Database<'_>, secret: &str, key: &str) -> String {
    database.kubectl(&["get", "secret", secret, "-o", &format!("go-template={{{{index .data \"{key}\" | base64decode}}}}")])
}

/// Starts of containers and servers: none may come on top.
fn starts(database: &Database<'_>) -> String {
    let containers =
        database.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount} {.items[*].metadata.uid}"]);
    let servers = pods(database).iter().map(|pod| database.inside(pod, "select pg_postmaster_start_time()")).collect::<Vec<_>>();
    format!("{containers} {servers:?}")
}

fn condition(database: &Database<'_>, name: &str, reason: &str) {
    until(&format!("{name} is {reason}"), 240, || database.condition(name).1 == reason);
}

fn secret(database: &Database<'_>, name: &str, entries: &[(&str, &str)]) {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {}", serde_json::json!(value))).collect();
    database.nodes.apply(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {}}}\nstringData: {{{}}}\n",
        database.namespace,
        entries.join(", ")
    ));
}

fn certificate(database: &Database<'_>, authority: &MadeCertificate) -> String {
    let made = sign(authority, "mine", &["db.example".to_owned()], 90).unwrap();
    secret(database, "mine-tls", &[("tls.crt", &made.certificate), ("tls.key", &made.key), ("ca.crt", &authority.certificate)]);
    read_certificate(&made.certificate).unwrap().serial
}

const GIVEN: &str = "  postgres: {version: '17', ssl: {certificateSecretKeySelector: {name: mine-tls, key: tls.crt}, privateKeySecretKeySelector: {name: mine-tls, key: tls.key}}}\n";

/// A certificate that ends while nobody looks is an outage of every client that verifies it. So it is renewed, and served, in time.
#[test]
fn certificates_change_without_a_restart() {
    on_real_nodes("certificates_change_without_a_restart", |nodes: &Nodes| {
        let database = Database::new(nodes, "certificates", 2, "");
        condition(&database, "FilesInUse", "InUse");
        let ssl = format!("{NAME}-ssl");
        let read = || read_certificate(&entry(&database, &ssl, "tls.crt")).unwrap();
        let (first, authority, started) = (read(), entry(&database, &ssl, "ca.crt"), starts(&database));
        until_served(&database, &first.serial);

        // A renewal: as if it ended soon. What clients trust stays.
        let now = first.begins.as_second();
        let signer = MadeCertificate {
            certificate: entry(&database, &format!("{ssl}-authority"), "ca.crt"),
            key: entry(&database, &format!("{ssl}-authority"), "ca.key"),
        };
        let names: Vec<String> = first.names.iter().cloned().collect();
        let short = sign(&signer, &ssl, &names, 2).unwrap();
        database.kubectl(&[
            "patch",
            "secret",
            &ssl,
            "-p",
            &serde_json::json!({"stringData": {"tls.crt": short.certificate, "tls.key": short.key}}).to_string(),
        ]);
        until("a new one is made", 120, || read().ends.as_second() - now > 80 * 86_400);
        let second = read();
        assert_ne!(second.serial, first.serial);
        assert_eq!(entry(&database, &ssl, "ca.crt"), authority);
        until_served(&database, &second.serial);
        condition(&database, "FilesInUse", "InUse");

        // One of the user's own, for other names, from another authority.
        let own = make_authority("own", 365).unwrap();
        let serial = certificate(&database, &own);
        database.spec(2, GIVEN);
        until_served(&database, &serial);
        condition(&database, "FilesInUse", "InUse");
        assert_eq!(entry(&database, &ssl, "ca.crt").trim(), own.certificate.trim());

        // Its Secret gets a key that does not belong to it: what is served stays.
        secret(&database, "mine-tls", &[("tls.key", &short.key)]);
        condition(&database, "CertificateValid", "Refused");
        assert!(database.condition("CertificateValid").2.contains("does not belong"), "{:?}", database.condition("CertificateValid"));
        until_served(&database, &serial);
        let serial = certificate(&database, &own);
        until_served(&database, &serial);
        condition(&database, "CertificateValid", "Valid");

        // And back to a generated one, of the same authority as before.
        database.spec(2, "");
        until("a generated one is served", 240, || entry(&database, &ssl, "ca.crt") == authority);
        until_served(&database, &read().serial);
        database.ready(2);
        assert_eq!(starts(&database), started, "something restarted");
    });
}

fn login(database: &Database<'_>, password: &str) -> bool {
    let environment = [format!("PGPASSWORD={password}"), format!("PGHOST={NAME}.{}", database.namespace)];
    let output = database.nodes.kubectl(&[
        "-n",
        "client",
        "exec",
        "client",
        "--",
        "env",
        &environment[0],
        &environment[1],
        "PGUSER=postgres",
        "PGCONNECT_TIMEOUT=5",
        "psql",
        "-AtXqc",
        "select 1",
    ]);
    assert!(output.status.success() || said(&output).contains("authentication failed"), "{}", said(&output));
    output.status.success()
}

const CREDENTIALS: &str = "  configurations:\n    credentials:\n      patroni: {restApiPassword: {name: mine, key: rest}}\n      users:\n        superuser: {password: {name: mine, key: super}}\n        replication: {password: {name: mine, key: replication}}\n        authenticator: {password: {name: mine, key: authenticator}}\n";

/// A password that leaked is changed at once, in one place, and no session notices.
#[test]
fn credentials_rotate_without_a_restart() {
    on_real_nodes("credentials_rotate_without_a_restart", |nodes: &Nodes| {
        let database = Database::new(nodes, "credentials", 2, "");
        condition(&database, "FilesInUse", "InUse");
        let (generated, started) = (database.password("superuser-password"), starts(&database));
        assert!(login(&database, &generated));
        let uri = entry(&database, &format!("{NAME}-binding"), "uri");
        let output = nodes.kubectl(&["-n", "client", "exec", "client", "--", "psql", &uri, "-AtXqc", "select current_user"]);
        assert_eq!(said(&output).trim(), "postgres", "the binding leads to the database");
        let (held, began) = (database.held_writer(&database.primary(), 240), std::time::Instant::now());

        // All four from a Secret of the user's own, with signs that three kinds of files must quote.
        let passwords = [("super", "s3cr\"et \\'x"), ("replication", "r'e\"p l"), ("authenticator", "a\"u't%h"), ("rest", "r:e@s\"t")];
        secret(&database, "mine", &passwords);
        database.spec(2, CREDENTIALS);
        until("the new one works", 240, || login(&database, passwords[0].1));
        condition(&database, "FilesInUse", "InUse");
        assert!(!login(&database, &generated), "the old password still opens the database");
        assert!(entry(&database, &format!("{NAME}-binding"), "uri").contains("s3cr%22et%20%5C%27x@"));
        // Replicas connect anew with it.
        let primary = database.primary();
        database.inside(&primary, "select pg_terminate_backend(pid) from pg_stat_replication");
        until("the replica streams again", 60, || database.inside(&primary, "select state from pg_stat_replication") == "streaming");
        let outcome = held.stop(&database);
        assert_eq!((outcome.lost.as_slice(), outcome.let_go(began)), ([0; 0].as_slice(), None), "a session that was open goes on");

        // A new value in the Secret is taken; one that cannot be is told, and the old one stays.
        secret(&database, "mine", &[("super", "second")]);
        until("the second one works", 240, || login(&database, "second"));
        secret(&database, "mine", &[("super", "broken\n")]);
        condition(&database, "FilesInUse", "Refused");
        assert!(login(&database, "second"));
        secret(&database, "mine", &[("super", "second")]);
        condition(&database, "FilesInUse", "InUse");

        // One whose login fails is taken back. Here the role may not log in any more, which no password helps.
        database.inside(&primary, "alter role replicator valid until '2000-01-01'");
        secret(&database, "mine", &[("super", "third"), ("replication", "third")]);
        condition(&database, "FilesInUse", "Failed");
        assert!(login(&database, "second"), "the old password does not work any more");
        assert_eq!(database.password("superuser-password"), "second");
        database.inside(&primary, "alter role replicator valid until 'infinity'");
        secret(&database, "mine", &[("super", "fourth"), ("replication", "fourth")]);
        until("the fourth one works", 240, || login(&database, "fourth"));

        // By hand, in the cluster's own Secret, once nothing is given any more.
        database.spec(2, "");
        database.kubectl(&["patch", "secret", NAME, "-p", "{\"stringData\": {\"superuser-password\": \"by hand\"}}"]);
        until("the one by hand works", 240, || login(&database, "by hand"));
        condition(&database, "FilesInUse", "InUse");
        database.ready(2);
        assert_eq!(starts(&database), started, "something restarted");
        let logs = pods(&database).iter().map(|pod| database.kubectl(&["logs", pod, "-c", "patroni"])).collect::<String>();
        let told = nodes.ok(&["-n", "stackgres", "logs", "deployment/stackgres", "--all-pods", "--tail=-1"]);
        for password in ["s3cr", "r'e\"p l", "by hand", "SCRAM-SHA-256$"] {
            assert!(!logs.contains(password) && !told.contains(password), "{password} is in a log");
        }
    });
}
