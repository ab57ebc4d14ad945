//! Codes of structural validation.

use crate::diagnostics::Code;

/// Every code of structural validation.
pub const CODES: &[Code] = &[
    Code::error(
        "unknown-field",
        "the kind has no such field",
        "The API server would drop it without a word, and what it should have set would stay unset. The help names the nearest field, or writes the edit where an older version of the API had the field. `stackgres explain KIND.PATH` lists the fields of a place.",
    ),
    Code::error(
        "wrong-type",
        "the value has another type than the field",
        "Text, numbers, booleans, lists and mappings are not converted into each other. `version: 17` is a number; `version: '17'` is text.",
    ),
    Code::error("missing-field", "a required field is absent", "The object means nothing without it."),
    Code::error("not-allowed-value", "the value is not one of the allowed ones", "The help lists them; case matters."),
    Code::error("out-of-range", "the number is too small or too large", "The help names the bounds."),
    Code::error("wrong-length", "the text or list is too short or too long", "The help names the bounds."),
    Code::error(
        "pattern-mismatch",
        "the text has not the required form",
        "The help shows an example, and the form as a regular expression.",
    ),
    Code::warning(
        "deprecated-field",
        "the field is taken, and lives elsewhere now",
        "An older version of the API had it there. The help writes the edit; `stackgres explain KIND.PATH` tells about the new place.",
    ),
    Code::error(
        "null-value",
        "the field is null",
        "Leave the field out instead: null is a value of its own to the API server, and this field does not take it.",
    ),
    Code::error("duplicate-item", "two items of the list have the same key", "Items of this list are told apart by that key."),
    Code::error(
        "bad-name",
        "the object's name has not the required form",
        "Names of objects made for it are built from this name, so it is short, lower case, and begins with a letter.",
    ),
    Code::error(
        "bad-label",
        "a label or annotation has not the required form",
        "Kubernetes: keys are an optional DNS prefix and a name of at most 63 characters; label values have at most 63 characters of letters, digits, dots, dashes and underscores.",
    ),
    Code::error(
        "kind-not-supported-yet",
        "the kind is part of the API and not carried out yet",
        "This version does nothing with it. Where leaving it alone would touch data, availability or backups it is an error; elsewhere it is a warning and the document is not applied. The API server refuses it with the same words, or warns.",
    ),
    Code::error(
        "not-supported-yet",
        "the field is not carried out yet",
        "The field is part of the API, but this version does nothing with it. Where ignoring it would touch data, availability or backups it is an error, because a cluster that looks ready and lacks what was asked for is worse than none; elsewhere it is a warning. Take the field out.",
    ),
];
