//! "Did you mean": the nearest of some names.

/// The candidate nearest to `word`, if it is near enough to be a slip: at most a third of the letters differ.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(lower.chars().count()) / 3).max(1))
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

/// Edit distance by insertion, removal, replacement and swap of neighbours (optimal string alignment).
fn distance(one: &str, two: &str) -> usize {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    if one.len().abs_diff(two.len()) > 16 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=two.len()).collect()];
    for (i, first) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, second) in two.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(first != second)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *first == two[j - 1] && one[i - 1] == *second {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let names = ["instances", "postgres", "pods", "profile"];
        assert_eq!(nearest("instance", names.into_iter()), Some("instances"));
        assert_eq!(nearest("postrges", names.into_iter()), Some("postgres"));
        assert_eq!(nearest("Pods", names.into_iter()), Some("pods"));
        assert_eq!(nearest("replicas", names.into_iter()), None);
    }
}
