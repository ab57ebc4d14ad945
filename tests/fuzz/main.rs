//! The targets under libFuzzer. `STACKGRES_FUZZ_TARGET` names one; see `run`.
#![no_main]

mod targets;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("STACKGRES_FUZZ_TARGET").expect("STACKGRES_FUZZ_TARGET names a target");
    targets::TARGETS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("there is no target {name}")).1
});

fuzz_target!(|data: &[u8]| (*TARGET)(data));
