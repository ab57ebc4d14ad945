//! Contents that were read before, by the ids of their blobs.
//!
//! In: the files of the last snapshot. Out: the same contents for the next one. Invariant: an id is the digest of a content, which libgit2 checks
//! whenever it reads one, so a known id needs no reading; losing this costs one reading of everything. Why: a commit changes a
//! few files of thousands.

use crate::source::snapshot::File;
use git2::Oid;
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes of an id and a length between processes.
const ENTRY: usize = 20 + 8;

/// A content that is known.
#[derive(Clone)]
pub(super) struct Blob {
    /// Bytes.
    pub(super) length: u64,
    /// The content; empty in a child, which only has to know that the parent has it.
    pub(super) content: Arc<[u8]>,
}

/// All that are known.
#[derive(Default)]
pub(super) struct Blobs(HashMap<Oid, Blob>);

impl Blobs {
    /// Those of a snapshot.
    pub(super) fn of(files: &[File]) -> Self {
        let blob =
            |file: &File| Some((Oid::from_str(&file.id).ok()?, Blob { length: file.content.len() as u64, content: file.content.clone() }));
        Self(files.iter().filter_map(blob).collect())
    }

    pub(super) fn get(&self, id: Oid) -> Option<&Blob> {
        self.0.get(&id)
    }

    /// The one with this id in hexadecimal.
    pub(super) fn named(&self, id: &str) -> Option<&Blob> {
        self.get(Oid::from_str(id).ok()?)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Ids and lengths, for a child.
    pub(super) fn write(&self, output: &mut Vec<u8>) {
        output.reserve(self.len() * ENTRY);
        for (id, blob) in &self.0 {
            output.extend_from_slice(id.as_bytes());
            output.extend_from_slice(&blob.length.to_le_bytes());
        }
    }

    /// What the parent wrote.
    pub(super) fn read(input: &mut impl Read, count: usize) -> io::Result<Self> {
        let none: Arc<[u8]> = Arc::default();
        let (mut id, mut length) = ([0; 20], [0; 8]);
        let mut blobs = HashMap::new();
        for _ in 0..count {
            input.read_exact(&mut id)?;
            input.read_exact(&mut length)?;
            let blob = Blob { length: u64::from_le_bytes(length), content: none.clone() };
            blobs.insert(Oid::from_bytes(&id).map_err(io::Error::other)?, blob);
        }
        Ok(Self(blobs))
    }
}
