//! Processes of pods, as their node sees them.

use super::Database;
use std::process::Command;

/// Some processes of this machine.
pub(crate) struct Processes(Vec<u32>);

impl Processes {
    /// Those whose control group's name has this in it, the oldest first.
    fn of_group(part: &str) -> Self {
        let names = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut found: Vec<u32> = names
            .filter_map(|name| name.parse().ok())
            .filter(|process: &u32| std::fs::read_to_string(format!("/proc/{process}/cgroup")).is_ok_and(|group| group.contains(part)))
            .collect();
        found.sort_unstable();
        assert!(!found.is_empty(), "no process of {part}");
        Self(found)
    }

    pub(crate) fn of_container(database: &Database<'_>, pod: &str, container: &str) -> Self {
        let path = format!("jsonpath={{.status.containerStatuses[?(@.name==\"{container}\")].containerID}}");
        Self::of_group(database.kubectl(&["get", "pod", pod, "-o", &path]).trim_start_matches("containerd://"))
    }

    pub(crate) fn of_pod(database: &Database<'_>, pod: &str) -> Self {
        Self::of_group(&database.kubectl(&["get", "pod", pod, "-o", "jsonpath={.metadata.uid}"]))
    }

    /// Every process of the controller, of all its pods.
    pub(crate) fn of_controller(nodes: &super::Nodes) -> Self {
        let pods = nodes.ok(&[
            "-n",
            "stackgres",
            "get",
            "pods",
            "-l",
            "app.kubernetes.io/name=stackgres",
            "-o",
            "jsonpath={.items[*].metadata.uid}",
        ]);
        Self(pods.split_whitespace().flat_map(|uid| Self::of_group(uid).0).collect()).running("stackgres")
    }

    /// The process of the controller in the pod of this name.
    pub(crate) fn of_controller_named(nodes: &super::Nodes, pod: &str) -> Self {
        Self::of_group(&nodes.ok(&["-n", "stackgres", "get", "pod", pod, "-o", "jsonpath={.metadata.uid}"])).running("stackgres")
    }

    /// The first process of a container, which takes no signal from inside it.
    pub(crate) fn first(&self) -> u32 {
        self.0[0]
    }

    pub(crate) fn only_first(self) -> Self {
        Self(vec![self.0[0]])
    }

    /// Those that run this program.
    pub(crate) fn running(self, program: &str) -> Self {
        let runs =
            |process: &u32| std::fs::read_link(format!("/proc/{process}/exe")).is_ok_and(|path| path.to_string_lossy().contains(program));
        let found: Vec<u32> = self.0.into_iter().filter(runs).collect();
        assert!(!found.is_empty(), "no process runs {program}");
        Self(found)
    }

    /// Sends a signal to those that still run.
    pub(crate) fn signal(&self, signal: &str) {
        let numbers = self.0.iter().map(u32::to_string);
        Command::new("kill").arg(format!("-{signal}")).args(numbers).output().unwrap();
    }

    /// Those that still run.
    pub(crate) fn left(&self) -> usize {
        self.0.iter().filter(|process| std::path::Path::new(&format!("/proc/{process}")).exists()).count()
    }
}
