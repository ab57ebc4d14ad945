//! Values of PostgreSQL's and PgBouncer's parameters: the first byte chooses the version, the first line the name, two more lines are values.

use stackgres::postgres::{
    MAJORS, canonical, hba_problem, ident_problem, names, normalise, number_of, pooler_number, same_pooler_value, same_value,
};

pub(super) fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.splitn(3, '\n');
    let (name, one, two) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let major = MAJORS.start() + u32::from(*choice) % u32::try_from(MAJORS.count()).unwrap();
    // A number is the place in the list of names, so that every parameter is reached.
    let known = names(major);
    let name = name.parse::<usize>().ok().map_or(name, |index| known[index % known.len()]);

    let spelled = canonical(major, name, one);
    assert_eq!(canonical(major, name, &spelled), spelled, "{name} = {one:?}: spelling is stable");
    assert!(same_value(major, name, one, one));
    assert!(same_value(major, name, one, &spelled), "{name} = {one:?}: {spelled:?} means the same");
    assert_eq!(same_value(major, name, one, two), same_value(major, name, two, one), "{name}: {one:?}, {two:?}");
    if let Ok(normal) = normalise(major, name, one) {
        // What the server takes in base units is what it was given, or a perpetual difference would restart it for nothing.
        assert_eq!(normalise(major, name, &spelled).as_ref(), Ok(&normal), "{name} = {one:?} as {spelled:?}");
    }
    if let Some(number) = number_of(major, name, one) {
        assert!(number.is_finite() || one.to_ascii_lowercase().contains("inf"), "{name} = {one:?}: {number}");
        assert_eq!(number_of(major, name, &spelled), Some(number), "{name} = {one:?} as {spelled:?}");
    }
    for line in [name, one, two] {
        if let Some(problem) = hba_problem(line) {
            assert!(!format!("{problem:?}").is_empty());
        }
        std::hint::black_box(ident_problem(line));
        std::hint::black_box(pooler_number(line));
    }
    assert!(same_pooler_value(name, one, one));
    assert_eq!(same_pooler_value(name, one, two), same_pooler_value(name, two, one), "{name}: {one:?}, {two:?}");
}
