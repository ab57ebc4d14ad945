//! Whether a branch moved forward or was rewritten, as far as a shallow copy can tell.

use git2::{Commit, Oid, Repository};
use std::collections::BTreeSet;

/// Clocks of committers differ. Older commits than this before the one looked for are not followed.
const CLOCK_SKEW: i64 = 24 * 60 * 60;
/// Commits that are looked at.
const MOST_COMMITS: usize = 20_000;

/// How two commits relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ancestry {
    /// The later one contains the earlier one.
    Contains,
    /// It does not.
    Apart,
    /// The copy is too shallow to tell.
    Unknown,
}

/// Whether the history of `later` contains `earlier`.
pub(super) fn ancestry(repository: &Repository, earlier: Oid, later: Oid) -> Result<Ancestry, git2::Error> {
    // An ancestor is older. When the earlier commit is here, nothing older than it has to be looked at.
    let oldest = repository.find_commit(earlier).map_or(i64::MIN, |commit| commit.time().seconds().saturating_sub(CLOCK_SKEW));
    let (mut open, mut seen, mut cut) = (vec![later], BTreeSet::from([later]), false);
    while let Some(id) = open.pop() {
        if id == earlier {
            return Ok(Ancestry::Contains);
        }
        let commit = match repository.find_commit(id) {
            Ok(commit) => commit,
            // Below the boundary of a shallow copy nothing is there.
            Err(error) if error.code() == git2::ErrorCode::NotFound && id != later => {
                cut = true;
                continue;
            }
            Err(error) => return Err(error),
        };
        if commit.time().seconds() < oldest {
            continue;
        }
        cut |= is_cut(&commit);
        open.extend(commit.parent_ids().filter(|parent| seen.insert(*parent)));
        if seen.len() > MOST_COMMITS {
            return Ok(Ancestry::Unknown);
        }
    }
    Ok(if cut { Ancestry::Unknown } else { Ancestry::Apart })
}

/// Whether the copy ends at this commit although history goes on: libgit2 shows no parents, the stored commit names some.
fn is_cut(commit: &Commit<'_>) -> bool {
    commit.parent_count() == 0 && commit.raw_header_bytes().split(|byte| *byte == b'\n').any(|line| line.starts_with(b"parent "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use git2::{Signature, Time};

    /// A commit of the empty tree with these parents, `day` days after the epoch.
    fn commit(repository: &Repository, day: i64, parents: &[Oid]) -> Oid {
        let tree = repository.find_tree(repository.treebuilder(None).unwrap().write().unwrap()).unwrap();
        let who = Signature::new("n", "n@example.org", &Time::new(day * 86_400, 0)).unwrap();
        let parents: Vec<Commit<'_>> = parents.iter().map(|id| repository.find_commit(*id).unwrap()).collect();
        repository.commit(None, &who, &who, &format!("day {day}"), &tree, &parents.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn forward_rewind_and_rewrite_are_told_apart() {
        crate::source::install().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let first = commit(&repository, 10, &[]);
        let second = commit(&repository, 20, &[first]);
        let side = commit(&repository, 21, &[first]);
        let merge = commit(&repository, 30, &[side, second]);
        let amended = commit(&repository, 22, &[first]);
        let told = |earlier, later| ancestry(&repository, earlier, later).unwrap();
        assert_eq!(told(second, merge), Ancestry::Contains, "over the second parent");
        assert_eq!(told(first, first), Ancestry::Contains);
        assert_eq!(told(second, first), Ancestry::Apart, "a rewind");
        assert_eq!(told(second, amended), Ancestry::Apart, "a rewrite");
        let unknown = Oid::from_str("00000000000000000000000000000000000000aa").unwrap();
        assert_eq!(told(unknown, merge), Ancestry::Apart, "the whole history is here and does not hold it");
    }

    /// A shallow copy must not call every push a rewrite: it says that it cannot tell.
    #[test]
    fn a_shallow_copy_tells_only_what_it_can_know() {
        crate::source::install().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let oldest = commit(&repository, 5, &[]);
        let first = commit(&repository, 10, &[oldest]);
        let second = commit(&repository, 20, &[first]);
        let third = commit(&repository, 30, &[second]);
        let amended = commit(&repository, 31, &[second]);
        for object in [oldest.to_string(), first.to_string()] {
            std::fs::remove_file(folder.path().join("objects").join(&object[..2]).join(&object[2..])).unwrap();
        }
        let mut boundary = std::fs::File::create(folder.path().join("shallow")).unwrap();
        std::io::Write::write_all(&mut boundary, format!("{second}\n").as_bytes()).unwrap();
        let shallow = Repository::open_bare(folder.path()).unwrap();
        assert!(shallow.is_shallow());
        let told = |earlier, later| ancestry(&shallow, earlier, later).unwrap();
        assert_eq!(told(second, third), Ancestry::Contains);
        assert_eq!(told(first, third), Ancestry::Contains, "the boundary names its parent");
        assert_eq!(told(oldest, third), Ancestry::Unknown, "the boundary is younger than what is looked for");
        assert_eq!(told(third, amended), Ancestry::Apart, "the boundary is older than what is looked for");
    }
}
