//! Deliveries of a forge, over HTTP as they come.

use super::*;
use crate::source::Remote;
use hmac::{Hmac, KeyInit as _, Mac as _};
use stackgres::engine::controller::{LookAgain, now};
use stackgres::hooks::{Hooks, SecretsFile, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SECRET: &str = "correct-horse-battery-staple";

/// A receiver, and how a forge delivers to it.
struct Receiver {
    address: std::net::SocketAddr,
    file: std::path::PathBuf,
    stop: CancellationToken,
}

impl Receiver {
    async fn of(server: &Server, fleet: &Fleet) -> Self {
        let file = fleet.folder.path().join("webhook-secret");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        let api = Cluster::new(server.controller.clone(), Duration::from_secs(20)).within(fleet.only.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let hooks = Arc::new(Hooks::new(SecretsFile::new(file.clone()), LookAgain::new(api), now));
        tokio::spawn(serve(listener, hooks, stop.clone()));
        Self { address, file, stop }
    }

    async fn send(&self, secret: Option<&str>, more: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut request = reqwest::Client::new().post(format!("http://{}/webhook", self.address)).body(body.to_owned());
        let mut headers = BTreeMap::from([("content-type", "application/json"), ("x-github-event", "push")]);
        headers.extend(more.iter().copied());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(secret) = secret {
            let mut code = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
            code.update(body.as_bytes());
            let code: String = code.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            request = request.header("x-hub-signature-256", format!("sha256={code}"));
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn push(repository: &str, commit: &str) -> String {
    let address = format!("https://forge.example.org/{repository}.git");
    json!({"ref": "refs/heads/main", "after": commit, "repository": {"clone_url": address}}).to_string()
}

/// A push is carried out when it is made and not at the next interval, and nobody without the secret has anything asked.
pub(super) async fn a_push_is_seen_at_once(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-webhook", "revert").await;
    if server.folder.is_some() {
        let rights = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/components/webhook/rights.yaml");
        let output = server.kubectl(&["apply", "--server-side", "-f", rights]);
        assert!(output.status.success(), "{output:?}");
    }
    let remote = Remote::new().await;
    std::fs::remove_file(remote.work().join("clusters/orders.yaml")).unwrap();
    remote.push("clusters/a.yaml", &with_work_mem("8MB"), "add a");
    fleet
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority", "namespace": "stackgres-webhook"},
            "data": {"ca.crt": remote.server.authority}}))
        .await;
    let git = json!({"url": remote.server.url("fleet.git"), "path": "clusters", "interval": "1h", "certificateAuthority": {"configMapName": "authority"}});
    fleet.source(json!({"git": git})).await;
    fleet.start();
    fleet.work_mem_becomes("8MB").await;
    let receiver = Receiver::of(&server, &fleet).await;

    let commit = remote.push("clusters/a.yaml", &with_work_mem("9MB"), "more memory");
    drop(remote.server.asked());
    let delivery = push("fleet", &commit);
    for (secret, headers, status) in [
        (None, vec![], 401),
        (Some("another secret, as long"), vec![], 401),
        (None, vec![("x-gitlab-token", "another secret, as long")], 401),
        (Some(SECRET), vec![("content-type", "application/x-www-form-urlencoded")], 415),
        (Some(SECRET), vec![("x-github-event", "ping")], 200),
        (Some(SECRET), vec![("x-github-event", "star")], 200),
    ] {
        let (answer, text) = receiver.send(secret, &headers, &delivery).await;
        assert_eq!(answer, status, "{headers:?}: {text}");
        assert!(!text.contains(SECRET));
    }
    assert_eq!(
        receiver.send(Some(SECRET), &[], &push("another", &commit)).await,
        (202, r#"{"message":"fleets that look at the repository now: 0"}"#.to_owned())
    );
    assert_eq!(receiver.send(Some(SECRET), &[], &" ".repeat(6 << 20)).await.0, 413);
    assert_eq!(receiver.send(Some(SECRET), &[], "{}{").await.0, 400);
    fleet.passes(4).await;
    assert_eq!(fleet.work_mem().await.as_deref(), Some("8MB"), "the interval is an hour");
    assert_eq!(remote.server.asked(), Vec::<String>::new(), "nobody who was refused had the repository asked");

    let accepted = receiver.send(Some(SECRET), &[], &delivery).await;
    assert_eq!(accepted, (202, r#"{"message":"fleets that look at the repository now: 1"}"#.to_owned()));
    fleet.work_mem_becomes("9MB").await;
    fleet.passes(4).await;
    drop(remote.server.asked());
    assert_eq!(receiver.send(Some(SECRET), &[], &delivery).await, (200, r#"{"message":"delivered before"}"#.to_owned()));
    fleet.passes(4).await;
    assert_eq!(remote.server.asked(), Vec::<String>::new(), "a recorded delivery has nothing asked");

    // A secret changes without a restart, and both count meanwhile.
    let commit = remote.push("clusters/a.yaml", &with_work_mem("10MB"), "still more memory");
    std::fs::write(&receiver.file, format!("{SECRET}-new\n{SECRET}\n")).unwrap();
    assert_eq!(receiver.send(Some(&format!("{SECRET}-new")), &[], &push("fleet", &commit)).await.0, 202);
    fleet.work_mem_becomes("10MB").await;
    std::fs::write(&receiver.file, format!("{SECRET}-new\n")).unwrap();
    assert_eq!(receiver.send(Some(SECRET), &[], &push("fleet", "0")).await.0, 401);
    std::fs::write(&receiver.file, "short\n").unwrap();
    assert_eq!(receiver.send(Some("short"), &[], &push("fleet", "0")).await.0, 503);

    // Who sends no whole head is not waited for.
    let mut slow = tokio::net::TcpStream::connect(receiver.address).await.unwrap();
    slow.write_all(b"POST /webhook HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is still open");
    receiver.stop.cancel();
    fleet.stop().await;
}
