//! Mappings in which a field says which section is filled: `type: s3` with `s3`, `op: restart` with `restart`.
//!
//! In: the field, and what each of its words wants. Out: the rules. Invariant: one mistake breaks one rule. Why: the same form stands in
//! many kinds, and what is filled beside the chosen section would not be done.

use super::condition::Condition;
use super::schema::{Rule, Schema};

/// A word of the field, and its section.
#[derive(Debug, Clone, Copy)]
pub(super) enum Section {
    /// The word needs the section.
    Needed(&'static str, &'static str),
    /// The word may have the section.
    Allowed(&'static str, &'static str),
}

impl Section {
    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Needed(word, name) | Self::Allowed(word, name) => (word, name),
        }
    }
}

/// Adds the rules that `field` is one of the words (`unknown` is that rule's code), that the section its word needs is there, and that no
/// other one is (`code`).
pub(super) fn sections(of: Schema, field: &'static str, unknown: &'static str, code: &'static str, list: &[Section]) -> Schema {
    let (words, names): (Vec<&'static str>, Vec<&'static str>) = list.iter().map(|section| section.parts()).unzip();
    list.iter().fold(of.choice(unknown, field, &words), |schema, section| {
        let (word, name) = section.parts();
        let schema = match section {
            // Where another one is filled, that is the mistake.
            Section::Needed(..) => schema.rule(Rule {
                code,
                condition: Condition::OneOf(field, vec![word])
                    .implies(Condition::Any(names.iter().copied().map(Condition::Present).collect())),
                message: format!("the section `{name}` is missing").into(),
                help: format!("`{field}: {word}` needs it").into(),
                field: name,
            }),
            Section::Allowed(..) => schema,
        };
        let others = words.iter().copied().filter(|other| *other != word).collect();
        schema.rule(Rule {
            code,
            condition: Condition::Present(name).and(Condition::OneOf(field, others)).negated(),
            message: format!("`{name}` is there, and `{field}` names another one").into(),
            help: format!("take it out, or write `{field}: {word}`").into(),
            field: name,
        })
    })
}
