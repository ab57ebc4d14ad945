//! The `stackgres` program.

fn main() {}
