//! Object storages that backups could never reach.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;
use serde_json::Value;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: Code::error(
            "storage-without-type",
            "the storage does not say what it is",
            "`type` names the section that holds bucket and credentials. There is no default: a backup that goes somewhere else than expected is none.",
        ),
        check: Check::Manifest("SGObjectStorage", kind),
    },
    Rule {
        code: Code::error(
            "storage-credentials",
            "the storage has no credentials",
            "Either Secret keys are named, or the role of the pods is used (`useIAMRole`, `fetchCredentialsFromMetadataService`). Without both no backup can be written.",
        ),
        check: Check::Manifest("SGObjectStorage", credentials),
    },
    Rule {
        code: Code::error(
            "storage-endpoint",
            "this is no address of a storage",
            "An S3-compatible storage is reached by an http or https address, for example https://minio.example.com:9000.",
        ),
        check: Check::Manifest("SGObjectStorage", endpoint),
    },
    Rule {
        code: Code::error(
            "storage-class",
            "S3 has no such storage class",
            "Classes that need a restore before they can be read (Glacier) cannot hold WAL.",
        ),
        check: Check::Manifest("SGObjectStorage", class),
    },
    Rule {
        code: Code::error(
            "storage-encryption",
            "the section of the encryption method is missing, or another one is there",
            "`method` names the section that holds the key: `sodium` or `openpgp`, and exactly that one is filled.",
        ),
        check: Check::Manifest("SGObjectStorage", encryption),
    },
];

/// Storage classes of S3 whose objects can be read at once. Source: Amazon S3 user guide, "Understanding storage classes".
const CLASSES: &[&str] = &["STANDARD", "STANDARD_IA", "REDUCED_REDUNDANCY"];

fn is_set(manifest: &Manifest, pointer: &str) -> bool {
    manifest.object.get(pointer).is_some_and(|value| !value.is_null())
}

fn kind(manifest: &Manifest) -> Vec<Diagnostic> {
    if manifest.object.text("/spec/type").is_some() {
        return Vec::new();
    }
    let problem = Diagnostic::error("storage-without-type", "the storage has no `type`");
    vec![at(manifest, "/spec", problem.help("write `type:` with s3, s3Compatible, gcs or azureBlob"))]
}

fn credentials(manifest: &Manifest) -> Vec<Diagnostic> {
    let lacks = |section: &str, by_role: &str| {
        is_set(manifest, section)
            && !is_set(manifest, &format!("{section}/secretKeySelectors"))
            && manifest.object.get(&format!("{section}/{by_role}")) != Some(&Value::Bool(true))
    };
    [("/spec/s3/awsCredentials", "useIAMRole"), ("/spec/gcs/gcpCredentials", "fetchCredentialsFromMetadataService")]
        .into_iter()
        .filter(|(section, by_role)| lacks(section, by_role))
        .map(|(section, by_role)| {
            let problem = Diagnostic::error("storage-credentials", "neither Secret keys nor a role are given");
            at(manifest, section, problem.help(format!("add `secretKeySelectors`, or `{by_role}: true`")))
        })
        .collect()
}

fn endpoint(manifest: &Manifest) -> Vec<Diagnostic> {
    const ENDPOINT: &str = "/spec/s3Compatible/endpoint";
    let Some(text) = manifest.object.text(ENDPOINT) else { return Vec::new() };
    let host = ["http://", "https://"].into_iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or_default();
    if !host.is_empty() && !host.starts_with(['/', ':']) && !host.contains(char::is_whitespace) {
        return Vec::new();
    }
    let problem = Diagnostic::error("storage-endpoint", format!("`{}` is no http or https address", repeated(ENDPOINT, text)));
    vec![at(manifest, ENDPOINT, problem.help("write for example https://minio.example.com:9000"))]
}

fn class(manifest: &Manifest) -> Vec<Diagnostic> {
    const CLASS: &str = "/spec/s3/storageClass";
    let Some(text) = manifest.object.text(CLASS).filter(|text| !CLASSES.contains(text)) else { return Vec::new() };
    let help = nearest(text, CLASSES.iter().copied())
        .map_or_else(|| format!("write one of {}", CLASSES.join(", ")), |near| format!("did you mean {near}?"));
    vec![at(
        manifest,
        CLASS,
        Diagnostic::error("storage-class", format!("`{}` is no storage class for backups", repeated(CLASS, text))).help(help),
    )]
}

fn encryption(manifest: &Manifest) -> Vec<Diagnostic> {
    let Some(section) = manifest.object.get("/spec/encryption").filter(|section| !section.is_null()) else { return Vec::new() };
    let wrong = |pointer: &str, message: String, help: &str| {
        vec![at(manifest, pointer, Diagnostic::error("storage-encryption", message).help(help))]
    };
    let methods = ["sodium", "openpgp"];
    let given: Vec<&str> = methods.into_iter().filter(|method| section.get(*method).is_some_and(|value| !value.is_null())).collect();
    match (section.get("method").and_then(Value::as_str), given.as_slice()) {
        (None, []) => Vec::new(),
        (None, _) => wrong("/spec/encryption", "the encryption has no `method`".to_owned(), "write method: sodium or openpgp"),
        (Some(method), _) if !methods.contains(&method) => {
            wrong("/spec/encryption/method", format!("there is no method `{method}`"), "write sodium or openpgp")
        }
        (Some(method), [only]) if *only == method => Vec::new(),
        (Some(method), given) if given.contains(&method) => {
            wrong("/spec/encryption", format!("the method is {method}, and another section is there"), "take the other section out")
        }
        (Some(method), _) => wrong("/spec/encryption", format!("the section `{method}` is missing"), "add it: it names the key"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::examine;

    const KEYS: &str = "secretKeySelectors: {accessKeyId: {name: a, key: b}, secretAccessKey: {name: a, key: b}}";

    fn of(spec: &str) -> Vec<String> {
        examine(&format!(
            "apiVersion: stackgres.io/v1beta1\nkind: SGObjectStorage\nmetadata: {{name: a}}\nspec: {{{}}}\n",
            spec.replace("KEYS", KEYS)
        ))
        .0
    }

    /// A storage that looks right and cannot be written to is found out on the day of the restore.
    #[test]
    fn storages_that_can_be_reached() {
        assert_eq!(of("type: s3, s3: {bucket: b, storageClass: STANDARD_IA, awsCredentials: {KEYS}}"), [""; 0]);
        assert_eq!(of("type: s3, s3: {bucket: b, awsCredentials: {useIAMRole: true}}"), [""; 0]);
        assert_eq!(of("type: s3Compatible, s3Compatible: {bucket: b, endpoint: 'https://x:9000', awsCredentials: {KEYS}}"), [""; 0]);
        assert_eq!(of(""), ["storage-without-type /spec"]);
        assert_eq!(of("type: s3, s3: {bucket: b, awsCredentials: {}}"), ["storage-credentials /spec/s3/awsCredentials"]);
        assert_eq!(of("type: gcs, gcs: {bucket: b, gcpCredentials: {}}"), ["storage-credentials /spec/gcs/gcpCredentials"]);
        assert_eq!(of("type: s3, s3: {bucket: b, storageClass: GLACIER, awsCredentials: {KEYS}}"), ["storage-class /spec/s3/storageClass"]);
        for bad in ["ftp://x", "minio:9000", "https://", "http:// x"] {
            let found = of(&format!("type: s3Compatible, s3Compatible: {{bucket: b, endpoint: '{bad}', awsCredentials: {{KEYS}}}}"));
            assert_eq!(found, ["storage-endpoint /spec/s3Compatible/endpoint"], "{bad}");
        }
    }

    #[test]
    fn encryption_has_its_key() {
        let with = |section: &str| of(&format!("type: s3, s3: {{bucket: b, awsCredentials: {{KEYS}}}}, encryption: {{{section}}}"));
        assert_eq!(with("method: sodium, sodium: {key: {name: a, key: b}}"), [""; 0]);
        assert_eq!(with("method: openpgp, sodium: {key: {name: a, key: b}}"), ["storage-encryption /spec/encryption"]);
        assert_eq!(with("method: aes"), ["storage-encryption /spec/encryption/method"]);
        assert_eq!(with("sodium: {key: {name: a, key: b}}"), ["storage-encryption /spec/encryption"]);
    }
}
