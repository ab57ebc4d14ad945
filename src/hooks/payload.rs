//! What a delivery is about.
//!
//! Sources: GitHub documentation, "Webhook events and payloads"; GitLab documentation, "Webhook events"; Gitea documentation, "Webhooks".

use axum::http::HeaderMap;
use serde::Deserialize;

/// What a delivery tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A branch or tag moved.
    Push,
    /// Somebody tries the webhook.
    Ping,
    /// Something else.
    Other,
}

/// Headers that name the event, one for each forge.
const NAMES: &[&str] = &["x-forgejo-event", "x-gitea-event", "x-github-event", "x-gitlab-event"];

/// What the headers call the event.
pub(super) fn event(headers: &HeaderMap) -> Event {
    let name = NAMES.iter().find_map(|name| headers.get(*name)?.to_str().ok()).unwrap_or_default();
    match name {
        "push" | "Push Hook" | "Tag Push Hook" => Event::Push,
        "ping" => Event::Ping,
        _ => Event::Other,
    }
}

#[derive(Deserialize)]
struct Payload {
    repository: Option<Repository>,
    project: Option<Repository>,
}

/// Addresses of a repository; each forge has some of them.
#[derive(Deserialize)]
struct Repository {
    clone_url: Option<String>,
    ssh_url: Option<String>,
    html_url: Option<String>,
    git_http_url: Option<String>,
    git_ssh_url: Option<String>,
    web_url: Option<String>,
}

/// Every address that a push event gives its repository.
pub fn addresses(body: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let Payload { repository, project } = serde_json::from_slice(body)?;
    let of = |found: Repository| {
        [found.clone_url, found.ssh_url, found.html_url, found.git_http_url, found.git_ssh_url, found.web_url].into_iter().flatten()
    };
    Ok(repository.into_iter().chain(project).flat_map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A forge whose addresses are not read would be answered with a success, and every push of it seen late.
    #[test]
    fn each_forge_names_its_repository() {
        let github = br#"{"ref": "refs/heads/main", "after": "1", "repository": {"id": 1, "full_name": "shop/fleet", "clone_url": "https://example.org/shop/fleet.git", "ssh_url": "git@example.org:shop/fleet.git", "owner": {"html_url": "https://example.org/shop"}}}"#;
        assert_eq!(addresses(github).unwrap(), ["https://example.org/shop/fleet.git", "git@example.org:shop/fleet.git"]);
        let gitlab = br#"{"object_kind": "push", "project": {"git_http_url": "https://example.org/shop/fleet.git", "url": null}, "repository": {"git_ssh_url": "git@example.org:shop/fleet.git", "homepage": "https://example.org/shop"}}"#;
        assert_eq!(addresses(gitlab).unwrap(), ["git@example.org:shop/fleet.git", "https://example.org/shop/fleet.git"]);
        assert!(addresses(b"{}").unwrap().is_empty());
        for wrong in [&b"payload=%7B%7D"[..], b"", b"[]", b"{\"repository\": 1}"] {
            assert!(addresses(wrong).is_err());
        }
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(addresses(&deep).is_err(), "the stack of the process is not the sender's");
    }

    #[test]
    fn only_pushes_count() {
        for (header, name, expected) in [
            ("x-github-event", "push", Event::Push),
            ("x-gitlab-event", "Tag Push Hook", Event::Push),
            ("x-gitlab-event", "Note Hook", Event::Other),
            ("x-gitea-event", "push", Event::Push),
            ("x-github-event", "ping", Event::Ping),
            ("x-unknown", "push", Event::Other),
        ] {
            let headers: HeaderMap = [(header.parse().unwrap(), name.parse().unwrap())].into_iter().collect();
            assert_eq!(event(&headers), expected, "{header}: {name}");
        }
    }
}
