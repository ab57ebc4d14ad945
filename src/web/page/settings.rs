//! Effective settings, folded by their first word, with where each comes from.

use super::parts::{nothing, table};
use crate::engine::view::SettingView;
use maud::{Markup, html};

pub(super) fn content(settings: &[SettingView]) -> Markup {
    let mut groups: Vec<(&str, Vec<&SettingView>)> = Vec::new();
    for setting in settings {
        let group = group_of(&setting.name);
        match groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, members)) => members.push(setting),
            None => groups.push((group, vec![setting])),
        }
    }
    html! {
        section {
            h2 { "Effective settings" }
            @if settings.is_empty() {
                (nothing("Not known yet: they stand here when a revision has been released."))
            } @else {
                p.quiet { "What the manifest says, and what it leaves out, with where each value comes from." }
            }
            @for (name, members) in groups {
                @let written = members.iter().filter(|setting| is_written(setting)).count();
                details data-key=(name) {
                    summary { (name) " " span.quiet { "(" (members.len()) @if written > 0 { ", " (written) " written in a file" } ")" } }
                    @let rows = html! { @for setting in &members {
                        tr { th scope="row" { code { (setting.name) } } td { code { (setting.value) } } td { (setting.origin) } }
                    } };
                    (table(&format!("Effective settings of {name}"), &["Setting", "Value", "Comes from"], rows))
                }
            }
        }
    }
}

/// The first word of a path, two of them for what belongs to PostgreSQL: most settings do.
fn group_of(name: &str) -> &str {
    let mut dots = name.match_indices('.').map(|(at, _)| at);
    let first = dots.next().unwrap_or(name.len());
    if &name[..first] == "postgres" { &name[..dots.next().unwrap_or(name.len())] } else { &name[..first] }
}

fn is_written(setting: &SettingView) -> bool {
    setting.origin.rsplit_once(':').is_some_and(|(_, line)| line.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_grouped_by_what_they_belong_to() {
        let names = ["instances", "images.postgres", "postgres.parameters.work_mem", "postgres.version"];
        assert_eq!(names.map(group_of), ["instances", "images", "postgres.parameters", "postgres.version"]);
    }
}
