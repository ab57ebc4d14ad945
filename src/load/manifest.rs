//! What goes into and what comes out of this stage.

use crate::diagnostics::{Location, SourceMap};
use crate::model::{Object, ObjectKey};
use std::sync::Arc;

/// One file of a source, as read from a commit or a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path from the root of the source, with forward slashes.
    pub path: String,
    /// Content; shared, because one commit may be looked at several times.
    pub content: Arc<[u8]>,
}

/// A document as written: one lossless value and where each part of it stands.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The value. `metadata.namespace` is filled when the source decides it.
    pub object: Object,
    /// Where each value is written.
    pub source: Arc<SourceMap>,
}

impl Manifest {
    /// A manifest made from a live object.
    pub fn live(object: Object) -> Self {
        let source = Arc::new(SourceMap::live(&object.key()));
        Self { object, source }
    }

    /// Whether both are one document in memory, at one place, which is seen without a look at it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.object.is_same(&other.object) && Arc::ptr_eq(&self.source, &other.source)
    }

    /// Identity of the object.
    pub fn key(&self) -> ObjectKey {
        self.object.key()
    }

    /// Place where a JSON pointer is written, or its nearest written parent.
    pub fn locate(&self, pointer: &str) -> Location {
        self.source.locate(pointer)
    }
}
