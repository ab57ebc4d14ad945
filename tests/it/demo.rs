//! The demo as a new user runs it, and the page it serves.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A file that is in the folder and not in the program would be missing from the demo.
#[test]
fn the_program_carries_the_whole_example() {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push((path.strip_prefix(root).unwrap().display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples-repo");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort();
    let mut carried: Vec<_> = stackgres::wiring::EXAMPLE.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    carried.sort();
    assert_eq!(carried.iter().map(|(path, _)| path).collect::<Vec<_>>(), found.iter().map(|(path, _)| path).collect::<Vec<_>>());
    assert_eq!(carried, found);
}

/// A running demo; its process ends with it.
struct Demo {
    child: Child,
    lines: mpsc::Receiver<String>,
    page: String,
}

impl Demo {
    fn start(more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stackgres"))
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .env_remove("KUBECONFIG")
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut demo = Self { child, lines, page: String::new() };
        let line = demo.until("  page");
        line.rsplit("localhost").next().unwrap().clone_into(&mut demo.page);
        demo
    }

    /// Reads on to the line that begins so.
    fn until(&self, beginning: &str) -> String {
        self.until_with(beginning).0
    }

    /// The same, with the lines before it.
    fn until_with(&self, beginning: &str) -> (String, Vec<String>) {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_mins(2)) {
                Ok(line) if line.starts_with(beginning) => return (line, seen),
                Ok(line) => seen.push(line),
                Err(error) => panic!("{error}: no line {beginning:?} after:\n{}", seen.join("\n")),
            }
        }
    }

    /// A request to the page, with some `Host`.
    fn get(&self, path: &str, host: &str) -> (String, String) {
        let mut stream = TcpStream::connect(format!("127.0.0.1{}", self.page)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}{}\r\nConnection: close\r\n\r\n", self.page).unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
            // A stream of events never ends: its first event is enough.
            if String::from_utf8_lossy(&answer).contains("\n\ndata:")
                || answer.len() > 1 << 20
                || path.starts_with("/stream") && String::from_utf8_lossy(&answer).contains("connected")
            {
                break;
            }
        }
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// README command 1: from a commit to running clusters, a reload, a blocked mistake, a rolling restart.
#[test]
fn the_script_plays_to_its_end() {
    let mut demo = Demo::start(&["--once"]);
    let kubeconfig = demo.until("  kubectl").rsplit('=').next().unwrap().to_owned();
    let folder = Path::new(&kubeconfig).parent().unwrap().to_owned();
    assert!(folder.join("fleet/.git").exists());
    demo.until("    done: four clusters are ready");
    demo.until("      reload     1  shop/orders");
    demo.until("    done: the change runs");
    demo.until("    billing/ledger.yaml:14:5 unknown-field");
    demo.until("    done: the source is clean again");
    demo.until("    ~ shop/orders: restart of every instance, replicas first, one switchover");
    demo.until("      steps, when orders-0 leads");
    let (_, lines) = demo.until_with("    done: every instance runs with it");
    let after = |line: &str, separator: &str| line.split_once(separator).map(|(_, after)| after.to_owned());
    let planned: Vec<String> = lines.iter().filter(|line| line.starts_with("        ")).filter_map(|line| after(line, ". ")).collect();
    let shown = lines.iter().filter(|line| line.contains("restarts on") || line.contains("hands over"));
    let done: Vec<String> = shown.filter_map(|line| after(line, "ready; ")).collect();
    assert_eq!(planned.len(), 3, "{lines:#?}");
    assert!(done.iter().all(|step| planned.contains(step)), "a reader would not trust the next plan: {done:?}, and planned {planned:?}");
    assert!(demo.child.wait().unwrap().success());
    assert!(!folder.exists(), "the demo leaves nothing behind");
}

/// The page shows what the API holds, is complete without scripts, and answers nobody who calls it by another name.
#[test]
fn the_page_shows_the_fleet_to_this_machine_only() {
    let demo = Demo::start(&[]);
    demo.until("    done: every instance runs with it");
    let (head, body) = demo.get("/", "localhost");
    assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    for shown in ["/fleets/stackgres/example", "/clusters/shop/orders", "of 4 ready", "Planned"] {
        assert!(body.contains(shown), "{shown} is not on the page");
    }
    let (_, cluster) = demo.get("/clusters/shop/orders", "127.0.0.1");
    for shown in ["orders-0", "shop/parameters.yaml:10", "primary", "orders-replicas", "pgport 5432", "orders-data-orders-0", "50Gi"] {
        assert!(cluster.contains(shown), "{shown} is not on the page:\n{cluster}");
    }
    let (_, plan) = demo.get("/fleets/stackgres/example/plan", "localhost");
    for shown in ["restart + switchover", "max_connections", "shop/parameters.yaml:10:5", "hands over"] {
        assert!(plan.contains(shown), "{shown} is not in the plan:\n{plan}");
    }
    let (_, history) = demo.get("/clusters/shop/orders/history", "localhost");
    for shown in ["allow more connections", "stackgres demo", "give sorts more memory", "the oldest that is kept"] {
        assert!(history.contains(shown), "{shown} is not in the history:\n{history}");
    }
    let (_, diff) = demo.get("/clusters/shop/orders/diff", "localhost");
    assert!(diff.contains("<del>") && diff.contains("max_connections"), "{diff}");
    assert!(demo.get("/clusters/shop/nothing", "localhost").0.starts_with("HTTP/1.1 404"));
    assert!(demo.get("/", "evil.example").0.starts_with("HTTP/1.1 403"), "a foreign name must not reach the page");
    let (head, first) = demo.get("/stream", "localhost");
    assert!(head.contains("text/event-stream") && first.contains("connected"), "{head}\n{first}");
    let view: serde_json::Value = {
        let (_, body) = demo.get("/api/view", "localhost");
        serde_json::from_str(&body).unwrap()
    };
    assert_eq!(view["clusters"].as_array().unwrap().len(), 4);
    for text in [&body, &cluster, &plan, &history, &diff, &view.to_string()] {
        assert!(!text.to_lowercase().contains("begin private key"), "a page never shows a secret");
    }
}
