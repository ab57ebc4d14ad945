//! The program as its own process: what it writes is what people and log collectors get.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The program with a clean environment.
fn program(folder: &Path, kubeconfig: Option<&Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackgres"));
    command.args(arguments).current_dir(folder).env_clear();
    // `ssh` is looked for there.
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    command
}

/// Exit code, and everything that was printed.
pub(super) fn printed(folder: &Path, kubeconfig: Option<&Path>, arguments: &[&str]) -> (Option<i32>, String) {
    let output = program(folder, kubeconfig, arguments).stdin(Stdio::null()).output().unwrap();
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

/// A process that goes on; it ends with this value.
pub(super) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Running {
    pub(super) fn start(folder: &Path, kubeconfig: Option<&Path>, arguments: &[&str]) -> Self {
        let mut command = program(folder, kubeconfig, arguments);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::<Mutex<String>>::default();
        let streams: [Box<dyn std::io::Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for mut stream in streams {
            let said = said.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    said.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
                }
            });
        }
        Self { child, said }
    }

    /// Everything that was said until now.
    pub(super) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// What stands between two texts, once it is said.
    pub(super) fn told(&self, before: &str, after: char) -> String {
        for _ in 0..1_200 {
            let said = self.said();
            if let Some(rest) = said.split_once(before).map(|(_, rest)| rest)
                && let Some((found, _)) = rest.split_once(after)
            {
                return found.to_owned();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{before:?} was not said: {}", self.said());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends bytes as they are, and reads what comes until the other side ends, or is silent for a while after it began.
pub(super) fn exchange(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that refuses at the first bytes may be gone before the last.
    drop(stream.write_all(request));
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        answer.extend_from_slice(&buffer[..count]);
        stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// The answer to a plain question.
pub(super) fn get(address: &str, path: &str) -> String {
    exchange(address, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).replace("\r\n", "\n")
}
