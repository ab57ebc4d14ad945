//! Bounds on what a source may ask this program to read.

/// Bounds; a source beyond one of them is an error that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub file_bytes: usize,
    /// Largest sum of all files, in bytes.
    pub total_bytes: usize,
    /// Most documents in one file.
    pub documents: usize,
    /// Deepest nesting of mappings and lists.
    pub depth: usize,
    /// Most values in one file.
    pub values: usize,
}

impl Default for Limits {
    /// 1 MiB a file (the API server refuses larger objects: etcd's request limit is 1.5 MiB), 256 MiB together,
    /// 1,000 documents a file, 64 levels, 200,000 values a file.
    fn default() -> Self {
        Self { file_bytes: 1 << 20, total_bytes: 256 << 20, documents: 1_000, depth: 64, values: 200_000 }
    }
}
