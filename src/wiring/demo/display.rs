//! What the demo shows while it waits: every cluster on a line of its own that is drawn again in place, or on another output one
//! line whenever something changed.

use super::say;
use crate::cli::terminal::{Line, Output, Paint, Screen, Size, size};
use crate::engine::view::{ClusterView, FleetView, View};
use std::collections::BTreeMap;
use std::io::Stdout;

/// The one display of a demo.
pub(super) struct Display {
    /// Lines in place, on a terminal.
    screen: Option<Screen<Stdout>>,
    /// What was said last of each cluster, elsewhere.
    said: BTreeMap<String, String>,
}

impl Display {
    /// In place where standard output is a terminal that can.
    pub(super) fn new(output: Output) -> Self {
        let whole = || size().unwrap_or(Size { width: 80, height: 24 });
        let screen = output.live.then(|| Screen::new(std::io::stdout(), output.colour, whole));
        Self { screen, said: BTreeMap::new() }
    }

    /// Text that stays.
    pub(super) fn say(&mut self, text: &str) {
        match &mut self.screen {
            Some(screen) => screen.scroll(text),
            None => say(text),
        }
    }

    /// How everything is now, and what is waited for since so many seconds.
    pub(super) fn show(&mut self, view: &View, what: &str, seconds: i64) {
        if let Some(screen) = &mut self.screen {
            screen.draw(lines(view, what, seconds));
            return;
        }
        for cluster in &view.clusters {
            let name = format!("{}/{}", cluster.namespace, cluster.name);
            let mut state = format!("{} of {} instances ready", cluster.ready_instances, cluster.wanted);
            if !cluster.waiting.is_empty() {
                state = format!("{state}; {}", cluster.waiting);
            }
            if self.said.get(&name) != Some(&state) {
                say(&format!("    {name:<18} {state}"));
                self.said.insert(name, state);
            }
        }
    }

    /// Takes the lines away: what comes next is text.
    pub(super) fn clear(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.draw(Vec::new());
        }
    }
}

/// Names of the widest cluster and a little more: the states stand below each other.
const NAME: usize = 20;

fn lines(view: &View, what: &str, seconds: i64) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    lines.extend(view.fleets.iter().map(fleet));
    lines.extend(view.clusters.iter().map(cluster));
    lines.push(Line::new());
    let waits = if seconds == 0 { what.to_owned() } else { format!("{what} ({seconds} s)") };
    lines.push(Line::new().with(Paint::Quiet, "  until ").with(Paint::Plain, &waits));
    lines
}

fn fleet(fleet: &FleetView) -> Line {
    let count = |name: &str| fleet.clusters.get(name).copied().unwrap_or_default();
    let (paint, sign) = sign(&fleet.ready, fleet.problems.is_empty());
    let name = format!("{}/{}", fleet.namespace, fleet.name);
    let mut line = Line::new().with(paint, &format!("  {sign} ")).cell(Paint::Strong, &name, NAME);
    line = line.with(Paint::Plain, &format!("fleet, {} of {} clusters ready", count("ready"), count("total")));
    match &fleet.applied {
        Some(commit) => line.with(Paint::Quiet, &format!("  {} {}", commit.revision.get(..12).unwrap_or_default(), commit.subject)),
        None => line,
    }
}

fn cluster(cluster: &ClusterView) -> Line {
    let (paint, sign) = sign(&cluster.ready, cluster.stopped.is_empty() && !cluster.orphaned);
    let name = format!("{}/{}", cluster.namespace, cluster.name);
    let mut line = Line::new().with(paint, &format!("  {sign} ")).cell(Paint::Plain, &name, NAME);
    for instance in &cluster.instances {
        let (paint, sign) = match (instance.ready, instance.primary) {
            (true, true) => (Paint::Good, "■"),
            (true, false) => (Paint::Good, "□"),
            (false, _) => (Paint::Busy, "·"),
        };
        line = line.with(paint, sign);
    }
    let fill = 5_usize.saturating_sub(cluster.instances.len());
    line = line.with(Paint::Plain, &format!("{} {} of {} ready", " ".repeat(fill), cluster.ready_instances, cluster.wanted));
    if !cluster.waiting.is_empty() {
        let more = if cluster.ahead.is_empty() { String::new() } else { format!(", then {} more", cluster.ahead.len()) };
        line = line.with(Paint::Busy, &format!("  {}{more}", cluster.waiting));
    }
    line
}

fn sign(ready: &str, fine: bool) -> (Paint, &'static str) {
    match (ready, fine) {
        (_, false) => (Paint::Bad, "✗"),
        ("True", true) => (Paint::Good, "✓"),
        (_, true) => (Paint::Busy, "…"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view::InstanceView;

    fn texts(view: &View) -> String {
        lines(view, "it is done", 3).iter().map(|line| format!("{line:?}")).collect::<Vec<_>>().join("\n")
    }

    /// What a rollout does now and what comes after it is the reason to look at the demo at all.
    #[test]
    fn a_cluster_tells_what_is_done_to_it() {
        let instance = |ready, primary| InstanceView { ready, primary, ..InstanceView::default() };
        let cluster = ClusterView {
            namespace: "shop".to_owned(),
            name: "orders".to_owned(),
            ready: "False".to_owned(),
            waiting: "orders-1 restarts".to_owned(),
            ahead: vec!["a".to_owned(), "b".to_owned()],
            instances: vec![instance(true, true), instance(false, false)],
            ready_instances: 1,
            wanted: 2,
            ..ClusterView::default()
        };
        let shown = texts(&View { clusters: vec![cluster], ..View::default() });
        for wanted in ["shop/orders", "■", "·", "1 of 2 ready", "orders-1 restarts, then 2 more", "it is done (3 s)"] {
            assert!(shown.contains(wanted), "{wanted} is missing:\n{shown}");
        }
    }
}
