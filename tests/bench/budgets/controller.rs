//! The program under test, as a process with the rights of `deploy/`.

use super::machine::memory;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running controller.
pub(crate) struct Controller {
    child: Child,
    /// From its start to the first answer that it is ready.
    pub(crate) ready: Duration,
}

impl Controller {
    pub(crate) fn start(kubeconfig: &Path, directory: &Path, log: &Path) -> Self {
        let address = free_address();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_stackgres"))
            .args(["run", "--namespace", "stackgres", "--listen", &address, "--log", "warn"])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .arg("--directory")
            .arg(directory)
            .arg("--cache-directory")
            .arg(directory.join("cache"))
            // As its image does.
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut controller = Self { child, ready: Duration::ZERO };
        while !answers(&address) {
            assert!(controller.child.try_wait().unwrap().is_none(), "the controller ended");
            assert!(began.elapsed() < Duration::from_mins(1), "the controller is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        controller.ready = began.elapsed();
        controller
    }

    /// The most memory it had at once, and what it has now, in MiB.
    pub(crate) fn memory(&self) -> (f64, f64) {
        memory(&self.child.id().to_string())
    }

    /// Ends it as Kubernetes does, and waits.
    pub(crate) fn stop(mut self) {
        drop(Command::new("kill").arg(self.child.id().to_string()).status());
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Whether it says that it is ready.
fn answers(address: &str) -> bool {
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    drop(stream.set_read_timeout(Some(Duration::from_secs(2))));
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}
