//! Codes of this stage.

use crate::diagnostics::Code;

/// Every code this stage uses.
pub const CODES: &[Code] = &[
    Code::error(
        "missing-reference",
        "something is referred to that is not there",
        "The name is looked up in the own namespace of the document, or in the one that stands before a dot, among the documents of the same source. With `--partial` this is a warning, because the rest may be elsewhere.",
    ),
    Code::error(
        "broken-reference",
        "the cluster refers to something that has errors",
        "A cluster is never planned from half of its inputs. It keeps what it runs until the other document is correct.",
    ),
];
