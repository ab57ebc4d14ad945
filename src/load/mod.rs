//! Bytes to documents to raw manifests.
//!
//! In: files of a source. Out: manifests with the place of every value, verdicts on everything else, diagnostics.
//! Invariant: a broken document never hides the documents beside it; nothing is dropped without being named.
//! Why: positions are taken here once, so that every later stage can point at file, line and column.

mod manifest;

pub use manifest::{Manifest, SourceFile};
