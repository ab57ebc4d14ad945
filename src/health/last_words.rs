//! What a server said before it ended.

use serde_json::Value;

/// The last message of severity FATAL or PANIC in a container's log, with its detail and hint; `None` where there is none.
///
/// PostgreSQL 15 and newer log a JSON object a line; older ones, and a server that ends before its log begins, plain text.
pub fn last_words(log: &str) -> Option<String> {
    // A client that is turned away is no reason for an end.
    let of_a_client = |code: &str| code.starts_with("28") || matches!(code, "57P03" | "53300" | "3D000" | "57P01");
    log.lines().rev().find_map(|line| {
        if let Ok(entry) = serde_json::from_str::<Value>(line) {
            let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
            if !matches!(text("error_severity").as_str(), "FATAL" | "PANIC")
                || of_a_client(&text("state_code"))
                || entry.get("user").is_some()
            {
                return None;
            }
            let more = [text("detail"), text("hint")].into_iter().filter(|more| !more.is_empty());
            return Some(
                std::iter::once(format!("{}: {}", text("error_severity"), text("message"))).chain(more).collect::<Vec<_>>().join("; "),
            );
        }
        let at = line.find("FATAL:").or_else(|| line.find("PANIC:"))?;
        Some(line[at..].trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "it ends again and again" tells nobody what to mend.
    #[test]
    fn the_reason_of_the_end_is_found() {
        let log = concat!(
            "{\"timestamp\":\"t\",\"error_severity\":\"LOG\",\"message\":\"starting\"}\n",
            "{\"error_severity\":\"FATAL\",\"message\":\"could not access file \\\"nope\\\": No such file or directory\",\"state_code\":\"58P01\"}\n",
            "{\"error_severity\":\"FATAL\",\"message\":\"the database system is starting up\",\"state_code\":\"57P03\",\"user\":\"a\"}\n",
            "{\"error_severity\":\"LOG\",\"message\":\"database system is shut down\"}\n",
        );
        assert_eq!(last_words(log).unwrap(), "FATAL: could not access file \"nope\": No such file or directory");
        assert_eq!(last_words("2026-01-01 UTC [1] FATAL:  bad thing\nmore").unwrap(), "FATAL:  bad thing");
        assert_eq!(last_words("all is well"), None);
    }
}
