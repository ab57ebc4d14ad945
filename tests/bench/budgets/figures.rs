//! What was measured, as a table and as a file that is kept.

use serde_json::{Value, json};
use std::fmt::Write as _;

/// Several runs of one thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs(pub(crate) Vec<f64>);

impl Runs {
    /// The value in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The value below which this part of the others lies.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get(((last as f64) * part).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn json(&self) -> Value {
        json!({"median": self.median(), "least": self.quantile(0.0), "most": self.quantile(1.0), "runs": self.0})
    }

    fn text(&self, unit: &str) -> String {
        if self.0.len() == 1 {
            return format!("{} {unit}", number(self.0[0]));
        }
        format!("{} {unit} ({}–{})", number(self.median()), number(self.quantile(0.0)), number(self.quantile(1.0)))
    }
}

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// One line of the table.
struct Line {
    what: String,
    unit: &'static str,
    measured: Runs,
    reference: Option<(String, Runs)>,
    budget: Option<Budget>,
}

/// What the design allows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Budget {
    /// The measured value at most.
    AtMost(f64),
    /// The ratio to the reference at most.
    RatioAtMost(f64),
    /// The ratio to the reference at least.
    RatioAtLeast(f64),
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Figures(Vec<Line>);

impl Figures {
    /// Adds what has no reference of its own.
    pub(crate) fn add(&mut self, what: &str, unit: &'static str, measured: Runs, budget: Option<Budget>) {
        self.keep(Line { what: what.to_owned(), unit, measured, reference: None, budget });
    }

    /// Adds what is measured against something in the same run.
    pub(crate) fn against(&mut self, what: &str, unit: &'static str, measured: Runs, reference: (&str, Runs), budget: Option<Budget>) {
        let reference = Some((reference.0.to_owned(), reference.1));
        self.keep(Line { what: what.to_owned(), unit, measured, reference, budget });
    }

    fn keep(&mut self, line: Line) {
        eprintln!("{}: {}", line.what, line.measured.text(line.unit));
        self.0.push(line);
    }

    /// Prints the table, and keeps it as a file beside those of other runs; a quick run keeps nothing.
    pub(crate) fn report(&self, quick: bool) {
        let machine = super::machine::facts();
        let said = |name: &str| machine[name].as_str().map_or_else(|| machine[name].to_string(), str::to_owned);
        println!(
            "\n{} × {}, {}, {}; commit {}, {}, load {} at the end{}\n",
            said("processors"),
            said("processor"),
            said("memory"),
            said("kernel"),
            said("commit"),
            said("profile"),
            said("load"),
            if quick { "; quick: small sets, figures that mean little" } else { "" }
        );
        println!("| what | measured: median (least–most) | reference of the same run | ratio | budget | kept |\n|---|---|---|---|---|---|");
        let mut lines = Vec::new();
        for line in &self.0 {
            let ratio = line.reference.as_ref().map(|(_, reference)| line.measured.median() / reference.median());
            let (allowed, kept) = match line.budget {
                None => (String::new(), None),
                Some(Budget::AtMost(most)) => (format!("≤ {} {}", number(most), line.unit), Some(line.measured.median() <= most)),
                Some(Budget::RatioAtMost(most)) => (format!("≤ {most} ×"), ratio.map(|ratio| ratio <= most)),
                Some(Budget::RatioAtLeast(least)) => (format!("≥ {least} ×"), ratio.map(|ratio| ratio >= least)),
            };
            let mut text = format!("| {} | {} | ", line.what, line.measured.text(line.unit));
            if let Some((name, reference)) = &line.reference {
                let _ = write!(text, "{name}: {}", reference.text(line.unit));
            }
            let ratio_text = ratio.map(|ratio| format!("{} ×", number(ratio))).unwrap_or_default();
            let kept_text = kept.map_or("", |kept| if kept { "yes" } else { "no" });
            println!("{text} | {ratio_text} | {allowed} | {kept_text} |");
            lines.push(json!({
                "what": line.what, "unit": line.unit, "measured": line.measured.json(), "ratio": ratio, "budget": allowed, "kept": kept,
                "reference": line.reference.as_ref().map(|(name, runs)| json!({"what": name, "measured": runs.json()})),
            }));
        }
        if quick {
            return;
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/results");
        std::fs::create_dir_all(folder).unwrap();
        let day: String = said("date").chars().take(16).map(|character| if character == ':' { '-' } else { character }).collect();
        let commit: String = said("commit").chars().take_while(char::is_ascii_alphanumeric).collect();
        let path = format!("{folder}/{day}-{commit}.json");
        std::fs::write(&path, format!("{:#}\n", json!({"machine": machine, "figures": lines}))).unwrap();
        println!("\nkept in {path}");
    }
}
