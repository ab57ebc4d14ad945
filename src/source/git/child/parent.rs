//! The parent: starts the child, asks it, and believes no more than it asked for.

use super::super::blobs::Blobs;
use super::super::{GRACE, Ready};
use super::{ChildProcess, limits, wire};
use crate::source::describe::{bytes, tame};
use crate::source::patience::Patience;
use crate::source::snapshot::{Limits, RevisionKey};
use crate::source::{Polled, SourceError};
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, waitpgid};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

/// Longest description of an answer in bytes: path, id and mode of each file, and what was refused.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Most bytes of what the child says on standard error that are read.
const SAID: u64 = 4 << 10;
/// What the child gets of the environment: where programs and the system's certificates are.
const ENVIRONMENT: &[&str] = &["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Makes the allocator take memory from the system when it is used. By itself mimalloc takes a GiB when it starts, of which it touches little, and
/// `RLIMIT_DATA` counts all of it. Source: mimalloc documentation, "Environment Options".
const ALLOCATOR: (&str, &str) = ("MIMALLOC_ARENA_EAGER_COMMIT", "0");

/// One look, in a process of its own. `accident` remembers that the last one ended by itself.
pub(in crate::source::git) async fn look(
    child: &ChildProcess,
    ready: &Ready,
    known: Option<&RevisionKey>,
    blobs: &Blobs,
    patience: &Patience,
    accident: &AtomicBool,
) -> Result<Polled, SourceError> {
    let address = ready.address.to_string();
    let places = child.places.clone();
    let place = async { places.acquire_owned().await.map_err(|_| SourceError::Cancelled { what: "reading repositories".to_owned() }) };
    let place = patience.wait("waiting for one of the processes that read repositories", place).await?;
    let left = patience.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let milliseconds = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    let request = wire::Request::of(&ready.settings, known, blobs, milliseconds, child.memory_bytes, accident.load(Relaxed));
    let request = request.bytes(blobs).map_err(|error| crashed(&address, &error.to_string()))?;
    let mut running = Running::start(child, place)?;
    let asked = async { Ok(running.ask(&request, blobs, &ready.settings.limits).await) };
    match patience.wait(&format!("reading {address}"), asked).await? {
        Ok(answer) => {
            accident.store(false, Relaxed);
            answer
        }
        Err(Broken::TooLarge(error)) => Err(error),
        Err(Broken::Ended) => {
            accident.store(true, Relaxed);
            Err(running.cause(&address, child.memory_bytes).await)
        }
    }
}

/// Why there is no answer.
enum Broken {
    /// It ended before it, or said something that is none.
    Ended,
    /// It says more than it was allowed to.
    TooLarge(SourceError),
}

fn crashed(address: &str, reason: &str) -> SourceError {
    SourceError::Crashed { address: address.to_owned(), reason: tame(reason) }
}

/// A child. Dropped, it hears that nobody waits any more, and is killed with all it started if that does not help.
struct Running {
    parts: Option<(Child, OwnedSemaphorePermit)>,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
}

impl Running {
    fn start(child: &ChildProcess, place: OwnedSemaphorePermit) -> Result<Self, SourceError> {
        let mut command = Command::new(&child.program);
        command.arg(ChildProcess::ARGUMENT).env_clear().current_dir("/");
        #[expect(clippy::disallowed_methods, reason = "what the child is to have of the environment is what this process has")]
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env(ALLOCATOR.0, ALLOCATOR.1);
        // A group of its own, so that what it starts goes with it.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(|error| SourceError::unreadable(&child.program, &error))?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        Ok(Self { parts: Some((process, place)), input, output })
    }

    async fn ask(&mut self, request: &[u8], blobs: &Blobs, limits: &Limits) -> Result<Result<Polled, SourceError>, Broken> {
        let (Some(input), Some(output)) = (&mut self.input, &mut self.output) else { return Err(Broken::Ended) };
        let ended = |_: std::io::Error| Broken::Ended;
        input.write_all(request).await.map_err(ended)?;
        let length = output.read_u64_le().await.map_err(ended)?;
        if length > LONGEST_ANSWER {
            let what = "the list of files".to_owned();
            return Err(Broken::TooLarge(SourceError::TooLarge { what, limit: bytes(LONGEST_ANSWER) }));
        }
        let mut text = Vec::new();
        output.take(length).read_to_end(&mut text).await.map_err(ended)?;
        let mut answer: wire::Answer = serde_json::from_slice(&text).map_err(|_| Broken::Ended)?;
        drop(text);
        let files = wire::files(&mut answer.result);
        let total = answer.lengths.iter().flatten().fold(0_u64, |total, length| total.saturating_add(*length));
        if files.len() != answer.lengths.len() || files.len() > limits.files || total > limits.total_bytes {
            return Err(Broken::Ended);
        }
        for (file, length) in files.iter_mut().zip(answer.lengths) {
            let Some(length) = length else {
                file.content = blobs.named(&file.id).ok_or(Broken::Ended)?.content.clone();
                continue;
            };
            let mut content = Vec::new();
            output.take(length).read_to_end(&mut content).await.map_err(ended)?;
            if content.len() as u64 != length {
                return Err(Broken::Ended);
            }
            file.content = content.into();
        }
        Ok(answer.result)
    }

    /// What an end without an answer means.
    async fn cause(&mut self, address: &str, memory_bytes: u64) -> SourceError {
        let Some((process, _)) = &mut self.parts else { return crashed(address, "it is gone") };
        let mut said = Vec::new();
        if let Some(errors) = process.stderr.take() {
            let _as_far_as_it_came = timeout(GRACE, errors.take(SAID).read_to_end(&mut said)).await;
        }
        let said = String::from_utf8_lossy(&said);
        let status: Option<ExitStatus> = timeout(GRACE, process.wait()).await.ok().and_then(Result::ok);
        let signal = status.and_then(|status| status.signal());
        if said.contains("memory allocation of") || signal == Some(Signal::KILL.as_raw()) {
            return limits::out_of_memory(memory_bytes);
        }
        tracing::warn!(address, said = tame(&said), "the process that reads a repository ended unexpectedly");
        match (signal, status) {
            (Some(signal), _) => crashed(address, &format!("signal {signal}")),
            (None, Some(status)) => crashed(address, &status.to_string()),
            (None, None) => crashed(address, "it said something that is no answer"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some((mut process, place)) = self.parts.take() else { return };
        drop(self.input.take());
        let group = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let Ok(here) = Handle::try_current() else {
            let _gone = group.map(|group| kill_process_group(group, Signal::KILL));
            return;
        };
        // In the background: whoever asked has its answer, or its deadline. The place is free when the memory is.
        here.spawn(async move {
            if timeout(GRACE * 2, process.wait()).await.is_err() {
                let _gone_meanwhile = group.map(|group| kill_process_group(group, Signal::KILL));
                let _cannot_fail = process.wait().await;
            }
            drop(place);
            if let Some(group) = group {
                reap(group).await;
            }
        });
    }
}

/// As the first process of a container this one inherits what a killed child had started, and must take notice of its end.
async fn reap(group: Pid) {
    for _ in 0..20 {
        match waitpgid(group, WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(_) => return, // nothing of it is ours
        }
    }
}
