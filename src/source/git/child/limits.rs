//! What the child takes upon itself before it looks at anything foreign.

use crate::source::SourceError;
use crate::source::describe::bytes;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write as _;

/// Bounds the memory for data and leaves no image of the memory behind when the process dies. A limit that is lower already stays.
pub(super) fn take(memory_bytes: u64) {
    for (resource, most) in [(Resource::Data, memory_bytes), (Resource::Core, 0)] {
        let most = getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
        let _allowed_to_lower = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    // When memory runs out all the same, this process is the one to go (proc(5), oom_score_adj).
    let volunteer = std::fs::File::options().write(true).open("/proc/self/oom_score_adj");
    let _only_where_it_exists = volunteer.and_then(|mut file| file.write_all(b"1000"));
}

/// What it means that the limit was met.
pub(super) fn out_of_memory(memory_bytes: u64) -> SourceError {
    SourceError::TooLarge { what: "the memory that reading the repository takes".to_owned(), limit: bytes(memory_bytes) }
}

/// The same from within, where libgit2 says that it got no memory.
pub(in crate::source::git) fn no_memory() -> SourceError {
    out_of_memory(getrlimit(Resource::Data).current.unwrap_or(u64::MAX))
}
