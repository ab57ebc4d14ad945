//! Whether the databases fit another image (DESIGN §8, rule 16).
//!
//! An index over text is in the order of the library that made it. Under another version of that library it is silently wrong:
//! rows are not found, and unique ones come twice. So the versions of both are compared before the first instance gets the image.

use crate::model::{CollationProvider, CollationVersions, DatabaseNeeds};
use std::collections::{BTreeMap, BTreeSet};

/// Annotation that names the released revision whose image a person accepts, although indexes over text have to be rebuilt.
pub const ACCEPT_COLLATIONS: &str = "stackgres.io/accept-collation-change";

/// What speaks against an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It lacks extensions: nothing makes that work but another image or dropping them.
    Extensions(String),
    /// Indexes are in another order: a person may accept that, and rebuilds them.
    Collations(String),
}

/// How many indexes are named.
const NAMED: usize = 10;

/// Judges an image. What the catalogue does not say of its extensions is not held against it; what it does not say of its collations
/// is, because nothing would show the damage.
pub fn misfit(needs: &[DatabaseNeeds], collations: &CollationVersions, extensions: &BTreeMap<String, String>) -> Option<Misfit> {
    let lacking: BTreeSet<String> = needs
        .iter()
        .flat_map(|need| need.extensions.iter().map(move |(name, version)| (need, name, version)))
        .filter(|(_, name, _)| !extensions.is_empty() && !extensions.contains_key(*name))
        .map(|(need, name, version)| format!("{name} {version} of the database {}", need.database))
        .collect();
    if !lacking.is_empty() {
        return Some(Misfit::Extensions(lacking.into_iter().collect::<Vec<_>>().join(", ")));
    }
    let mut changes: BTreeSet<String> = BTreeSet::new();
    let mut indexes: Vec<String> = Vec::new();
    for need in needs {
        for sorted in &need.indexes {
            let (library, other) = match sorted.provider {
                CollationProvider::Libc => ("libc", &collations.libc),
                CollationProvider::Icu => ("ICU", &collations.icu),
            };
            if sorted.version.is_some() && sorted.version == *other {
                continue;
            }
            let known = |version: &Option<String>| version.clone().unwrap_or_else(|| "unknown".to_owned());
            changes.insert(format!("{library} {} → {}", known(&sorted.version), known(other)));
            indexes.push(format!("{}: {}", need.database, sorted.index));
        }
    }
    if indexes.is_empty() {
        return None;
    }
    let more = indexes.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let changes = changes.into_iter().collect::<Vec<_>>().join(", ");
    indexes.truncate(NAMED);
    Some(Misfit::Collations(format!("{changes}; to rebuild with REINDEX afterwards: {}{rest}", indexes.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SortedIndex;

    fn need(provider: CollationProvider, version: Option<&str>) -> DatabaseNeeds {
        let index = SortedIndex { index: "public.by_name".to_owned(), provider, version: version.map(str::to_owned) };
        DatabaseNeeds { database: "app".to_owned(), indexes: vec![index], extensions: vec![("hstore".to_owned(), "1.8".to_owned())] }
    }

    fn image(libc: Option<&str>, icu: Option<&str>) -> CollationVersions {
        CollationVersions { libc: libc.map(str::to_owned), icu: icu.map(str::to_owned) }
    }

    /// An index that is silently wrong is the worst an upgrade can do: it is noticed weeks later, in the data.
    #[test]
    fn another_order_of_text_is_held_against_an_image() {
        use CollationProvider::{Icu, Libc};
        let all = BTreeMap::new();
        let judged = |provider, version, target: &CollationVersions| misfit(&[need(provider, version)], target, &all);
        assert_eq!(judged(Libc, Some("2.41"), &image(Some("2.41"), Some("153.128"))), None);
        assert_eq!(judged(Icu, Some("153.128"), &image(Some("2.99"), Some("153.128"))), None, "the other library does not matter");
        let changed = Some(Misfit::Collations("libc 2.36 → 2.41; to rebuild with REINDEX afterwards: app: public.by_name".to_owned()));
        assert_eq!(judged(Libc, Some("2.36"), &image(Some("2.41"), None)), changed);
        for (version, target) in [(None, image(Some("2.41"), None)), (Some("2.41"), image(None, None)), (None, image(None, None))] {
            let Some(Misfit::Collations(text)) = judged(Libc, version, &target) else { panic!("{version:?} {target:?}") };
            assert!(text.contains("unknown"), "what is not known is not safe: {text}");
        }
        assert_eq!(
            misfit(&[DatabaseNeeds { indexes: Vec::new(), ..need(Libc, None) }], &image(None, None), &all),
            None,
            "only C is in use"
        );
        let many: Vec<DatabaseNeeds> = (0..12).map(|_| need(Libc, Some("1"))).collect();
        let Some(Misfit::Collations(text)) = misfit(&many, &image(Some("2"), None), &all) else { panic!() };
        assert!(text.ends_with(" and 2 more"), "{text}");
    }

    /// A function whose library is not there fails at its first call.
    #[test]
    fn a_missing_extension_is_held_against_an_image() {
        let has = |name: &str| BTreeMap::from([(name.to_owned(), "1".to_owned())]);
        let fits = image(Some("2.41"), None);
        let needs = [need(CollationProvider::Libc, Some("2.41"))];
        assert_eq!(misfit(&needs, &fits, &has("hstore")), None);
        assert_eq!(misfit(&needs, &fits, &has("cube")), Some(Misfit::Extensions("hstore 1.8 of the database app".to_owned())));
        assert_eq!(misfit(&needs, &fits, &BTreeMap::new()), None, "a catalogue that lists none says nothing");
    }
}
