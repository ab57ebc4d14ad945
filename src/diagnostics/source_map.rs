//! Where each value of a document is written.

use super::Location;
use std::collections::BTreeMap;

/// Line and column, both from 1; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// For one document: JSON pointer → position of the key (or of the list item) it is written at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    /// File the document was read from; `live:KIND/NAMESPACE/NAME` for a live object.
    pub file: String,
    /// Position of each pointer; the empty pointer is the document itself.
    pub positions: BTreeMap<String, Position>,
}

impl SourceMap {
    /// A map for an object that was read from the API server, which has no lines.
    pub fn live(key: &crate::model::ObjectKey) -> Self {
        let file = match &key.namespace {
            Some(namespace) => format!("live:{}/{namespace}/{}", key.kind, key.name),
            None => format!("live:{}/{}", key.kind, key.name),
        };
        Self { file, positions: BTreeMap::new() }
    }

    /// Place of a pointer; where the pointer is not written (a default, a missing field) the nearest parent that is.
    pub fn locate(&self, pointer: &str) -> Location {
        let mut rest = pointer;
        loop {
            if let Some(position) = self.positions.get(rest) {
                return Location { file: self.file.clone(), line: position.line, column: position.column };
            }
            match rest.rfind('/') {
                Some(end) => rest = &rest[..end],
                None => return Location { file: self.file.clone(), line: 0, column: 0 },
            }
        }
    }
}
