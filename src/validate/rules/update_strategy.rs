//! Windows of the update strategy.

use super::{Check, Context, Rule};
use crate::diagnostics::{Code, Diagnostic, nearest};
use crate::model::{Cron, Window, iso_duration, time_zone, time_zones};
use jiff::SignedDuration;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "bad-window",
            "the window cannot be read, or never opens",
            "`cron` has the five fields of UNIX cron: minute, hour, day of the month, month and day of the week, with lists, ranges, steps and English names of three letters; `duration` is an ISO 8601 duration such as `PT2H`; `timeZone` is an IANA name such as `Europe/Berlin`. The API would leave a window that it cannot read out, and changes would wait for ever.",
        ),
        check: Check::Cluster(windows),
    },
    Rule {
        code: Code::error(
            "no-window",
            "the strategy is Schedule and there is no window",
            "Changes that disturb an instance would wait for ever. Add a window, or choose `Always`, `OnlyDbOps` or `Never`.",
        ),
        check: Check::Cluster(none),
    },
    Rule {
        code: Code::warning(
            "window-without-effect",
            "windows count for the type Schedule only",
            "`updateStrategy.type` says something else, or nothing, so the windows change nothing. Write `type: Schedule` or take them out.",
        ),
        check: Check::Cluster(unused),
    },
    Rule {
        code: Code::warning(
            "window-too-short",
            "a rollout hardly fits into a window",
            "The windows are asked for before each instance: a rollout of three instances takes a few minutes, and what does not fit waits for the next window, with instances on both sides of the change meanwhile. Make one window five minutes long or more.",
        ),
        check: Check::Cluster(short),
    },
];

const STRATEGY: &str = "/spec/pods/updateStrategy";
const SCHEDULE: &str = "/spec/pods/updateStrategy/schedule";

/// Time that a rollout of three small instances needs, with a switchover.
const SHORT: SignedDuration = SignedDuration::from_mins(5);

fn schedule<'a>(context: &'a Context<'_>) -> &'a [Value] {
    context.inputs.cluster.object.get(SCHEDULE).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn kind<'a>(context: &'a Context<'_>) -> Option<&'a str> {
    context.inputs.cluster.object.text(&format!("{STRATEGY}/type"))
}

fn windows(context: &Context<'_>) -> Vec<Diagnostic> {
    let problem = |index: usize, field: &str, message: String, help: &str| {
        let place = if field.is_empty() { format!("{SCHEDULE}/{index}") } else { format!("{SCHEDULE}/{index}/{field}") };
        context.at(&place, Diagnostic::error("bad-window", message).help(help))
    };
    let mut problems = Vec::new();
    for (index, window) in schedule(context).iter().enumerate() {
        let text = |field: &str| window.get(field).and_then(Value::as_str);
        match text("cron").map(|cron| (cron, Cron::parse(cron))) {
            None => problems.push(problem(index, "", "the window has no `cron`".to_owned(), "say when it opens, such as '0 3 * * 6'")),
            Some((cron, Err(wrong))) => {
                let message = format!("`{cron}`, character {}: {}", wrong.character, wrong.message);
                problems.push(problem(index, "cron", message, "`0 3 * * 6` is Saturday at three"));
            }
            Some((cron, Ok(parsed))) if !parsed.ever_happens() => {
                let message = format!("`{cron}` never comes: none of its months has such a day");
                problems.push(problem(index, "cron", message, "choose another day or month"));
            }
            Some(_) => {}
        }
        match text("duration").map(|duration| (duration, iso_duration(duration))) {
            None => problems.push(problem(index, "", "the window has no `duration`".to_owned(), "say how long it is open, such as PT2H")),
            Some((_, Err(wrong))) => problems.push(problem(index, "duration", wrong, "PT2H is two hours")),
            Some((duration, Ok(length))) if length <= SignedDuration::ZERO => {
                problems.push(problem(index, "duration", format!("a window of `{duration}` is never open"), "PT2H is two hours"));
            }
            Some(_) => {}
        }
        if let Some(zone) = text("timeZone").filter(|zone| time_zone(zone).is_none()) {
            let names: Vec<String> = time_zones().collect();
            let near = nearest(zone, names.iter().map(String::as_str));
            let help = near.map_or_else(
                || "it is an IANA name such as Europe/Berlin; UTC where it is absent".to_owned(),
                |near| format!("did you mean {near}?"),
            );
            problems.push(problem(index, "timeZone", format!("there is no time zone `{zone}`"), &help));
        }
    }
    problems
}

fn none(context: &Context<'_>) -> Vec<Diagnostic> {
    if kind(context) != Some("Schedule") || !schedule(context).is_empty() {
        return Vec::new();
    }
    let problem = Diagnostic::error("no-window", "the strategy is Schedule and there is no window");
    vec![
        context.at(
            &format!("{STRATEGY}/type"),
            problem.help("add one: schedule: [{cron: '0 3 * * 6', duration: PT2H, timeZone: Europe/Berlin}]"),
        ),
    ]
}

fn unused(context: &Context<'_>) -> Vec<Diagnostic> {
    if schedule(context).is_empty() || kind(context) == Some("Schedule") {
        return Vec::new();
    }
    let said = kind(context).map_or_else(|| "no type is written".to_owned(), |kind| format!("the type is {kind}"));
    let problem = Diagnostic::warning("window-without-effect", format!("{said}, so the windows change nothing"));
    vec![context.at(SCHEDULE, problem.help("write `type: Schedule`, or take them out"))]
}

fn short(context: &Context<'_>) -> Vec<Diagnostic> {
    let text = |window: &Value, field: &str| window.get(field).and_then(Value::as_str).map(str::to_owned);
    let read = |window: &Value| Window::read(&text(window, "cron")?, &text(window, "duration")?, text(window, "timeZone").as_deref()).ok();
    let windows: Option<Vec<Window>> = schedule(context).iter().map(read).collect();
    match windows.as_deref() {
        Some(windows @ [first, ..]) if windows.iter().all(|window| window.duration() < SHORT) => {
            let longest = windows.iter().map(Window::duration).max().unwrap_or(first.duration());
            let message = format!("no window is open for longer than {longest:#}");
            vec![context.at(SCHEDULE, Diagnostic::warning("window-too-short", message).help("five minutes are a sensible least"))]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{examine, pods};
    use super::*;

    fn strategy(text: &str) -> Vec<String> {
        pods(&format!("updateStrategy: {{{text}}}"))
    }

    /// A window that nobody can read is one that never opens: changes would wait for ever, and nobody would know why.
    #[test]
    fn windows_that_do_not_open_are_told_before_they_are_released() {
        let at = |field: &str| format!("bad-window /spec/pods/updateStrategy/schedule/0{field}");
        let window = |text: &str| strategy(&format!("type: Schedule, schedule: [{{{text}}}]"));
        assert_eq!(window("cron: '0 3 * * 6', duration: PT2H"), [""; 0]);
        assert_eq!(window("cron: '30 2 * * sat,sun', duration: P1D, timeZone: Australia/Lord_Howe"), [""; 0]);
        assert_eq!(window("cron: '0 3 * * 8', duration: PT2H"), [at("/cron")]);
        assert_eq!(window("cron: '0 3 31 2 *', duration: PT2H"), [at("/cron")]);
        assert_eq!(window("cron: '0 3 * * 6', duration: 2h"), [at("/duration")]);
        assert_eq!(window("cron: '0 3 * * 6', duration: PT0S"), [at("/duration")]);
        assert_eq!(window("cron: '0 3 * * 6', duration: P1M"), [at("/duration")]);
        assert_eq!(window("cron: '0 3 * * 6', duration: PT2H, timeZone: Europe/Berlni"), [at("/timeZone")]);
        assert_eq!(window("timeZone: Mars"), [at(""), at(""), at("/timeZone")], "all at once");
        assert_eq!(strategy("type: Schedule"), ["no-window /spec/pods/updateStrategy/type"]);
        assert_eq!(strategy("type: Schedule, schedule: []"), ["no-window /spec/pods/updateStrategy/type"]);
        assert_eq!(strategy("type: Sometimes"), ["unknown-choice /spec/pods/updateStrategy/type"]);
        assert_eq!(strategy("method: in-place"), ["unknown-choice /spec/pods/updateStrategy/method"]);
        assert_eq!(strategy("type: Never, method: ReducedImpact"), [""; 0]);
    }

    #[test]
    fn what_does_not_help_is_warned_about() {
        let schedule = |text: &str| format!("schedule: [{text}]");
        let (short, long) = ("{cron: '0 3 * * 6', duration: PT4M59S}", "{cron: '0 3 * * 0', duration: PT5M}");
        assert_eq!(strategy(&format!("type: Schedule, {}", schedule(short))), ["window-too-short /spec/pods/updateStrategy/schedule"]);
        assert_eq!(strategy(&format!("type: Schedule, {}", schedule(&format!("{short}, {long}")))), [""; 0], "one is long enough");
        assert_eq!(strategy(&schedule(long)), ["window-without-effect /spec/pods/updateStrategy/schedule"]);
        assert_eq!(strategy(&format!("type: Always, {}", schedule(long))), ["window-without-effect /spec/pods/updateStrategy/schedule"]);
    }

    /// Help that helps with the value at hand.
    #[test]
    fn the_place_inside_of_the_expression_is_told() {
        let text = "apiVersion: stackgres.io/v1\nkind: SGCluster\nmetadata: {name: a, namespace: n}\nspec:\n  instances: 1\n  postgres: {version: '17'}\n  pods:\n    persistentVolume: {size: 5Gi}\n    updateStrategy:\n      type: Schedule\n      schedule:\n      - cron: '0 3 * * fri-mon'\n        duration: PT2H\n        timeZone: Europe/Berlni\n";
        let context_inputs = &examine(text).1[0];
        let context = Context { inputs: context_inputs, effective: None, settings: &crate::resolve::Settings::default() };
        let found: Vec<Diagnostic> = windows(&context);
        assert_eq!(found[0].location.to_string(), "a.yaml:12:9");
        assert_eq!(
            found[0].message,
            "`0 3 * * fri-mon`, character 9: `fri-mon` goes backwards; write two ranges with a comma between them"
        );
        assert_eq!(found[1].help.as_deref(), Some("did you mean Europe/Berlin?"));
    }
}
