//! The reference that `stackgres docs` writes.

use stackgres::api::KINDS;
use stackgres::api::schema::{Schema, Shape};
use stackgres::engine::codes;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

fn written(folder: &Path) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_stackgres")).arg("docs").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

/// Targets of the links of a page. A regular expression, which stands as code, may look like one.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').step_by(2).flat_map(|plain| plain.split("](").skip(1)).filter_map(|rest| rest.split(')').next())
}

/// Whoever follows a link to nowhere does not come back; a page that misses a field says that there is none.
#[test]
fn the_reference_is_whole_and_its_links_resolve() {
    let folder = tempfile::tempdir().unwrap();
    let pages = written(&folder.path().join("below/reference"));
    let anchors: BTreeMap<&str, BTreeSet<&str>> = pages
        .iter()
        .map(|(name, text)| (name.as_str(), text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()))
        .collect();
    let mut count = 0;
    for (name, text) in &pages {
        for link in links(text) {
            let (page, anchor) = link.split_once('#').unwrap_or((link, ""));
            let page = if page.is_empty() { name } else { page };
            let there = anchors.get(page).unwrap_or_else(|| panic!("{name} leads to the page {page}"));
            assert!(anchor.is_empty() || there.contains(anchor), "{name} leads to {link}");
            count += 1;
        }
    }
    assert!(count > 500, "only {count} links");
    for code in codes::all().keys() {
        assert!(anchors["codes.md"].contains(code), "{code}");
    }
    for parameter in ["work_mem", "io_method", "pg_stat_statements.track"] {
        assert!(anchors["postgresql.md"].contains(parameter), "{parameter}");
    }
    assert!(anchors["pgbouncer.md"].contains("pool_mode"));
    // Each field stands in the page of its kind, or in the section of an SGCluster that it is.
    fn fields(schema: &Schema, page: &str, at: &str) {
        match &schema.shape {
            Shape::Object { fields: list, .. } => {
                for field in list {
                    let named = page.contains(&format!("| `{}` |", field.name)) || page.contains(&format!("| [`{}`](#", field.name));
                    assert!(named, "{at}.{}", field.name);
                    fields(&field.schema, page, &format!("{at}.{}", field.name));
                }
            }
            Shape::Map { values } => fields(values, page, at),
            Shape::Array { items, .. } => fields(items, page, at),
            _ => {}
        }
    }
    for kind in KINDS {
        let own = &pages[&format!("{}.md", kind.kind.to_ascii_lowercase())];
        fields(&kind.schema, &format!("{own}{}", pages["sgcluster.md"]), kind.kind);
        assert!(pages["README.md"].contains(kind.kind), "{}", kind.kind);
    }
    let again = tempfile::tempdir().unwrap();
    assert!(written(again.path()) == pages, "the same program writes the same");
}
