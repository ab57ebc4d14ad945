//! What a figure was measured on.

use serde_json::{Value, json};

/// Facts of this machine and of what was built.
pub(crate) fn facts() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        text.lines().find_map(|line| Some(line.strip_prefix(name)?.trim_start_matches([' ', '\t', ':']).to_owned())).unwrap_or_default()
    };
    let (processor, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let commit = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let changed = if commit(&["status", "--porcelain", "--", "src", "Cargo.lock", "Cargo.toml"]).is_empty() { "" } else { " and changes" };
    json!({
        "processor": field(&processor, "model name"),
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "memory": field(&memory, "MemTotal"),
        "kernel": format!("{} {}", read("/proc/sys/kernel/ostype").trim(), read("/proc/sys/kernel/osrelease").trim()),
        "load": load(),
        "commit": format!("{}{changed}", commit(&["rev-parse", "--short=12", "HEAD"])),
        "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
        "date": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

/// Load of the last minute: how much else ran.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The most memory a process had at once, and what it has now, in MiB.
pub(crate) fn memory(process: &str) -> (f64, f64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0
    };
    (kibibytes("VmHWM"), kibibytes("VmRSS"))
}
