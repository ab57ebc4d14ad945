//! `stackgres crd`

use crate::api::{KINDS, crd};
use crate::cli::exit::{CommandError, Exit, print};

pub(in crate::cli) fn run() -> Result<Exit, CommandError> {
    for kind in KINDS {
        let yaml = serde_yaml::to_string(&crd(kind)).map_err(|error| CommandError::failure(format!("cannot write YAML: {error}")))?;
        print(&format!("---\n{yaml}"))?;
    }
    Ok(Exit::Fine)
}
