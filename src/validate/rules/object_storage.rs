//! Object storages that backups could never reach.

use super::{Check, Rule, at};
use crate::diagnostics::{Code, Diagnostic, nearest, repeated};
use crate::load::Manifest;

pub(super) const RULES: &[Rule] = &[
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
];

/// Storage classes of S3 whose objects can be read at once. Source: Amazon S3 user guide, "Understanding storage classes".
const CLASSES: &[&str] = &["STANDARD", "STANDARD_IA", "REDUCED_REDUNDANCY"];

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
        assert_eq!(of(""), ["storage-without-type /spec/type"]);
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
        assert_eq!(with("method: openpgp, sodium: {key: {name: a, key: b}}"), ["storage-encryption /spec/encryption/sodium"]);
        assert_eq!(with("method: openpgp"), ["storage-encryption /spec/encryption/openpgp"]);
        assert_eq!(with("method: aes"), ["storage-encryption /spec/encryption/method"]);
        assert_eq!(with("sodium: {key: {name: a, key: b}}"), ["storage-encryption /spec/encryption"]);
    }
}
