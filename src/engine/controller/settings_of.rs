//! From an SGFleet to the settings of its source, with what the Secrets and ConfigMaps it names hold.

use super::source::SourceOptions;
use crate::kubernetes::{Cluster, KubernetesError};
use crate::model::{Digest, Object, ObjectKey};
use crate::source::{
    Credentials, DirectorySettings, DirectorySource, GitSettings, GitSource, Limits, Reference, SignaturePolicy, Source, SourceError,
};
use serde_json::json;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// A source that can be opened.
pub(super) struct Place {
    /// Changes whenever the source has to be opened anew.
    pub identity: String,
    /// Changes whenever other content is meant.
    pub content: String,
    /// Opens it.
    pub source: Box<dyn FnOnce() -> Result<Source, SourceError> + Send>,
    /// Time between two looks.
    pub interval: Duration,
    /// Longest time one look may take.
    pub timeout: Duration,
}

/// A source that cannot be opened as the fleet stands.
pub(super) struct Unusable {
    /// One word for a condition.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

fn unusable(reason: &'static str, message: impl Into<String>) -> Unusable {
    Unusable { reason, message: message.into() }
}

/// What a fleet names, read from its spec and from the objects the spec names.
pub(super) async fn place_of(api: &Cluster, fleet: &Object, options: &SourceOptions) -> Result<Result<Place, Unusable>, KubernetesError> {
    match (fleet.get("/spec/source/git").is_some(), fleet.text("/spec/source/directory/path")) {
        (true, None) => git(api, fleet, options).await,
        (false, Some(path)) => Ok(directory(path, options)),
        _ => Ok(Err(unusable("Invalid", "spec.source needs exactly one of git and directory"))),
    }
}

fn directory(path: &str, options: &SourceOptions) -> Result<Place, Unusable> {
    let root = allowed(Path::new(path), options).ok_or_else(|| {
        unusable("DirectoryNotAllowed", format!("the controller may not read {path}; its operator allows directories with --directory"))
    })?;
    let settings = DirectorySettings { root, path: String::new(), limits: Limits::default() };
    Ok(Place {
        identity: format!("directory {path}"),
        content: format!("directory {path}"),
        source: Box::new(move || Ok(Source::Directory(DirectorySource::new(settings)))),
        interval: Duration::from_mins(1),
        timeout: Duration::from_secs(30),
    })
}

/// The path as it is, if it lies below a directory that fleets may name, links resolved. Of a path that does not exist yet the
/// part that does is resolved.
fn allowed(path: &Path, options: &SourceOptions) -> Option<PathBuf> {
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !plain {
        return None;
    }
    let exists = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let (part, real) = exists?;
    let real = path.strip_prefix(part).map_or_else(|_| real.clone(), |rest| real.join(rest));
    // A trailing slash is no part of the path.
    let real: PathBuf = real.components().collect();
    let below = |root: &PathBuf| real.starts_with(root.canonicalize().as_ref().unwrap_or(root));
    options.directories.iter().any(below).then_some(real)
}

/// The path of an address on this machine, read as the source will read it.
fn local_path(address: &str) -> Option<PathBuf> {
    match url::Url::parse(address) {
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok(),
        Ok(_) => None,
        Err(_) => address.starts_with('/').then(|| PathBuf::from(address)),
    }
}

/// Folder of the copy of a fleet's repository.
pub(super) fn cache_folder(cache: &Path, fleet: &Object) -> PathBuf {
    let address = fleet.text("/spec/source/git/url").unwrap_or_default();
    cache.join(Digest::of_bytes(format!("{}\n{address}", fleet.namespaced_name()).as_bytes()).short())
}

async fn git(api: &Cluster, fleet: &Object, options: &SourceOptions) -> Result<Result<Place, Unusable>, KubernetesError> {
    let field = |name: &str| fleet.text(&format!("/spec/source/git/{name}"));
    let address = field("url").unwrap_or_default();
    let local = local_path(address).filter(|_| options.local_repositories).and_then(|path| allowed(&path, options));
    // What was checked is what is opened, not another reading of the same text.
    let opened = local.as_ref().and_then(|path| path.to_str()).unwrap_or(address);
    let mut settings = GitSettings::new(opened, cache_folder(&options.cache, fleet));
    settings.path = field("path").unwrap_or_default().to_owned();
    settings.reference = match (field("ref/branch"), field("ref/tag"), field("ref/commit")) {
        (None, None, None) => Reference::Default,
        (Some(branch), None, None) => Reference::Branch(branch.to_owned()),
        (None, Some(tag), None) => Reference::Tag(tag.to_owned()),
        (None, None, Some(commit)) => Reference::Commit(commit.to_owned()),
        _ => return Ok(Err(unusable("Invalid", "spec.source.git.ref takes one of branch, tag and commit"))),
    };
    settings.plain_http = options.plain_http;
    settings.child = options.child.clone();
    settings.local = local.is_some();
    settings.proxy = field("proxy").map(|proxy| crate::source::Proxy { address: proxy.to_owned(), credentials: None });
    let mut versions = Vec::new();
    if let Some(secret) = field("credentials/secretName") {
        let Some(object) = api.get(&ObjectKey::new("v1", "Secret", fleet.namespace(), secret)).await? else {
            return Ok(Err(unusable("CredentialsMissing", format!("the Secret {secret} of the fleet's namespace does not exist"))));
        };
        versions.push(object.resource_version().unwrap_or_default().to_owned());
        settings.credentials = match credentials(&object, field("credentials/type").unwrap_or("basic")) {
            Ok(credentials) => credentials,
            Err(missing) => return Ok(Err(unusable("CredentialsMissing", format!("the Secret {secret} {missing}")))),
        };
    } else if let (Some(directory), false) = (&options.credentials, settings.local) {
        match directory.find(address, fleet.namespace().unwrap_or_default()) {
            Ok(found) => settings.credentials = found.unwrap_or_default(),
            Err(error) => return Ok(Err(unusable("CredentialsMissing", error.to_string()))),
        }
        versions.push(settings.credentials.digest());
    }
    for (kind, field_name) in [("Secret", "secretName"), ("ConfigMap", "configMapName")] {
        let Some(holder) = field(&format!("certificateAuthority/{field_name}")) else { continue };
        let object = api.get(&ObjectKey::new("v1", kind, fleet.namespace(), holder)).await?;
        let text = object.as_ref().and_then(|object| {
            if kind == "Secret" { object.secret_text("ca.crt") } else { object.text("/data/ca.crt").map(str::to_owned) }
        });
        let Some(text) = text else {
            return Ok(Err(unusable(
                "CertificateAuthorityMissing",
                format!("the {kind} {holder} of the fleet's namespace has no key ca.crt"),
            )));
        };
        versions.push(Digest::of_bytes(text.as_bytes()).short().to_owned());
        settings.certificate_authority = Some(settings.certificate_authority.take().unwrap_or_default() + &text + "\n");
    }
    match signatures(api, fleet).await? {
        Ok(policy) => settings.signatures = policy,
        Err(unusable) => return Ok(Err(unusable)),
    }
    versions.extend(settings.signatures.as_ref().map(|policy| Digest::of_bytes(format!("{policy:?}").as_bytes()).short().to_owned()));
    let identity = format!("git {} {}", fleet.get("/spec/source/git").map(ToString::to_string).unwrap_or_default(), versions.join(" "));
    let content = json!([address, field("path"), fleet.get("/spec/source/git/ref")]).to_string();
    Ok(Ok(Place {
        identity,
        content,
        source: Box::new(move || GitSource::new(settings).map(Source::Git)),
        interval: field("interval").and_then(duration).unwrap_or(Duration::from_mins(1)),
        timeout: field("timeout").and_then(duration).unwrap_or(Duration::from_mins(1)),
    }))
}

/// The signature policy, with the keys of its Secrets.
async fn signatures(api: &Cluster, fleet: &Object) -> Result<Result<Option<SignaturePolicy>, Unusable>, KubernetesError> {
    let Some(spec) = fleet.get("/spec/source/git/signaturePolicy") else { return Ok(Ok(None)) };
    let missing = |message: String| Ok(Err(unusable("SigningKeysMissing", message)));
    let mut policy = SignaturePolicy::new(spec["mode"] != "reported");
    for secret in spec["keys"].as_array().into_iter().flatten().filter_map(|key| key["secretName"].as_str()) {
        let Some(object) = api.get(&ObjectKey::new("v1", "Secret", fleet.namespace(), secret)).await? else {
            return missing(format!("the Secret {secret} of the fleet's namespace does not exist"));
        };
        let names: Vec<String> =
            object.get("/data").and_then(|data| data.as_object()).into_iter().flatten().map(|(name, _)| name.clone()).collect();
        for name in names {
            let trusted = object.secret_text(&name).ok_or_else(|| "is no text".to_owned()).and_then(|text| policy.trust(&name, &text));
            if let Err(reason) = trusted {
                return missing(format!("the key {name} of the Secret {secret} {reason}"));
            }
        }
    }
    if policy.is_empty() {
        return missing("the Secrets of signaturePolicy hold no key, so that no commit could be trusted".to_owned());
    }
    Ok(Ok(Some(policy)))
}

/// Trailing line ends are what `kubectl create secret --from-file` adds unasked.
fn credentials(secret: &Object, kind: &str) -> Result<Credentials, String> {
    Credentials::of_keys(Some(kind), |name| secret.secret_text(name).map(|text| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A duration such as `1m30s` or `500ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|character: char| character.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        let part = match &rest[digits..unit_end] {
            "ms" => Duration::from_millis(count),
            "s" => Duration::from_secs(count),
            "m" => Duration::from_secs(count.checked_mul(60)?),
            "h" => Duration::from_secs(count.checked_mul(3600)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = &rest[unit_end..];
    }
    // A look without a pause would keep server and controller busy for nothing.
    Some(total.max(Duration::from_millis(200)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("2h"), Some(Duration::from_hours(2)));
        assert_eq!(duration("1ms"), Some(Duration::from_millis(200)));
        assert_eq!((duration("5"), duration("5d"), duration("99999999999999999999s")), (None, None, None));
    }

    /// A fleet's author must not read what the controller can: tokens, other teams' caches.
    #[test]
    fn only_directories_below_an_allowed_one() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("team");
        std::fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        let options = SourceOptions { directories: vec![folder.path().to_owned()], ..SourceOptions::default() };
        assert!(allowed(&inside, &options).is_some());
        assert!(allowed(&inside.join("later"), &options).is_some(), "one that does not exist yet");
        for bad in
            ["/etc", "relative", folder.path().join("link").to_str().unwrap(), folder.path().join("nothing/../../etc").to_str().unwrap()]
        {
            assert!(allowed(Path::new(bad), &options).is_none(), "{bad}");
        }
        let escaped = format!("file://{}/%2e%2e/%2e%2e/etc", inside.display());
        assert!(local_path(&escaped).and_then(|path| allowed(&path, &options)).is_none(), "dots that an address hides");
        assert!(allowed(&folder.path().join("link/later"), &options).is_none(), "below a link that leads out");
        assert!(allowed(&inside, &SourceOptions::default()).is_none(), "none by default");
    }
}
