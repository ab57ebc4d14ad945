//! The whole controller over an API that breaks, with seeds. `docs/api-faults.md` says what was found.

mod layer;
mod picture;
mod process;
mod record;
mod runs;
mod scenario;
mod single;
mod stream;
