//! Patroni's own pause (`patronictl pause`): a person wants to be alone with the databases. It stands in Patroni's dynamic
//! configuration, which is ours otherwise, and is nobody's but that person's: it is kept, and nothing is disturbed meanwhile.

use super::cluster::Wait;
use crate::model::Object;
use serde_json::{Value, json};

/// What the condition and the wait say.
pub const PAUSED: &str = "Patroni is paused: no instance fails over or is handed over by itself";

/// Who ends it.
pub const PAUSE_ENDS: &str = "`patronictl resume` in one of the pods";

/// Something that waits for its end.
pub(super) fn wait_for_its_end(what: &str) -> Wait {
    Wait { what: format!("{what}: {PAUSED}"), ends: PAUSE_ENDS.to_owned() }
}

/// Puts the pause of the live configuration into the wanted one. Patroni writes the text in a form of its own, which is kept where it
/// means the same.
pub(super) fn keep_pause(wanted: &mut Object, live: &Object) {
    let (Some(ours), Some(theirs)) = (wanted.annotation("config"), live.annotation("config")) else { return };
    let (Ok(mut ours), Ok(read)) = (serde_json::from_str::<Value>(ours), serde_json::from_str::<Value>(theirs)) else { return };
    if read["pause"] != true {
        return;
    }
    ours["pause"] = json!(true);
    let text = if ours == read { theirs.to_owned() } else { ours.to_string() };
    wanted.value_mut()["metadata"]["annotations"]["config"] = json!(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(config: &str) -> Object {
        Object::new(json!({"kind": "Endpoints", "metadata": {"name": "a-config", "annotations": {"config": config}}}))
    }

    /// Whoever pauses a cluster works on it: a failover in the middle could cost the data.
    #[test]
    fn a_pause_is_kept_and_everything_else_is_put_back() {
        let kept = |live: &str| {
            let mut wanted = endpoints(r#"{"loop_wait":10,"ttl":30}"#);
            keep_pause(&mut wanted, &endpoints(live));
            wanted.annotation("config").unwrap().to_owned()
        };
        let patronis = r#"{"ttl": 30, "loop_wait": 10, "pause": true}"#;
        assert_eq!(kept(patronis), patronis, "nothing is to be written");
        assert_eq!(kept(r#"{"ttl":99,"loop_wait":10,"pause":true}"#), r#"{"loop_wait":10,"pause":true,"ttl":30}"#);
        for other in [r#"{"ttl":30,"loop_wait":10,"pause":false}"#, r#"{"ttl":99}"#, "broken"] {
            assert_eq!(kept(other), r#"{"loop_wait":10,"ttl":30}"#, "{other}");
        }
    }
}
