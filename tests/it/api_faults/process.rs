//! The controller as a process: a thread with a runtime of its own, which can end between any two requests.

use super::layer::{Faults, client};
use stackgres::engine::controller::{RunOptions, SourceOptions, State, run};
use stackgres::kubernetes::Cluster;
use stackgres::resolve::Settings;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt as _;

/// Longest time for an answer, so that a request that hangs does not take the whole run.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a process begins with. Nothing else goes from one to the next.
#[derive(Clone)]
pub(super) struct Program {
    pub(super) kubeconfig: kube::config::Kubeconfig,
    pub(super) namespace: String,
    /// Where sources and their copies lie.
    pub(super) folder: PathBuf,
    pub(super) simulated: bool,
    /// Whether others use the API server meanwhile.
    pub(super) alone: bool,
}

/// A controller that is started again whenever it ends, as Kubernetes does with its pod.
pub(super) struct Process {
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
    /// Lives so far.
    pub(super) lives: Arc<AtomicU64>,
    /// Whether a process ended by itself.
    pub(super) failed: Arc<AtomicBool>,
    /// Whole passes, over all lives.
    pub(super) passes: Arc<AtomicU64>,
    logs: Logs,
}

/// Everything that was logged.
#[derive(Clone, Default)]
pub(super) struct Logs(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Process {
    pub(super) fn start(program: Program, faults: Arc<Faults>) -> Self {
        let stop = CancellationToken::new();
        let (lives, failed, passes, logs) =
            (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default(), Logs::default());
        let (ending, living, failing, passing, logging) = (stop.clone(), lives.clone(), failed.clone(), passes.clone(), logs.clone());
        let thread = std::thread::spawn(move || {
            let writer = logging;
            let filter = tracing_subscriber::EnvFilter::new("warn,stackgres=debug");
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
            let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(lines));
            while !ending.is_cancelled() {
                living.fetch_add(1, Ordering::Relaxed);
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let ended = runtime.block_on(live(&program, &faults, &ending, &passing));
                // Dropped where it stands: no task of this life goes on.
                runtime.shutdown_background();
                if let Err(message) = ended {
                    failing.store(true, Ordering::Relaxed);
                    tracing::error!(message, "the process ended by itself");
                    std::thread::sleep(Duration::from_millis(200));
                }
            }
        });
        Self { stop, thread: Some(thread), lives, failed, passes, logs }
    }

    /// Ends it in order and gives what was logged.
    pub(super) fn stop(mut self) -> String {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        String::from_utf8_lossy(&self.logs.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// One life, until it is stopped or a crash.
async fn live(program: &Program, faults: &Arc<Faults>, stop: &CancellationToken, passes: &AtomicU64) -> Result<(), String> {
    let mut crashes = faults.crashes.subscribe();
    let client = client(faults, program.kubeconfig.clone()).await;
    let only = if program.alone { Vec::new() } else { vec![program.namespace.clone()] };
    let api = Cluster::new(client, DEADLINE).within(only);
    let options = RunOptions {
        settings: Settings::default(),
        namespace: program.namespace.clone(),
        lease: None,
        identity: "test".to_owned(),
        interval: Duration::from_secs(1),
        sources: SourceOptions { directories: vec![std::env::temp_dir()], cache: program.folder.join("cache"), ..SourceOptions::default() },
        simulated: program.simulated,
        view: false,
    };
    let state = Arc::new(State::default());
    let ended = tokio::select! {
        ended = run(api, options, state.clone(), stop.clone()) => ended.map_err(|error| error.to_string()),
        _ = crashes.changed() => Ok(()),
    };
    passes.fetch_add(state.passes.load(Ordering::Relaxed), Ordering::Relaxed);
    ended
}
