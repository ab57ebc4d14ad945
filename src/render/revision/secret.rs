//! A revision as an immutable Secret, compressed, as Helm keeps its releases.

use super::Revision;
use crate::model::{Digest, NamespacedName, Object};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};

/// Type of the Secrets that hold revisions.
pub const REVISION_TYPE: &str = "stackgres.io/revision";

/// Annotations that tell of the commit a revision was first made from. They are for people, and no part of the revision.
pub const COMMIT_SUBJECT: &str = "stackgres.io/commit-subject";
/// The author of that commit.
pub const COMMIT_AUTHOR: &str = "stackgres.io/commit-author";

/// Largest revision that is read back, unpacked: a hostile Secret must not fill the memory.
const LARGEST: u64 = 64 << 20;

/// Why a Secret is no revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// Not a Secret of the right type, or without content.
    #[error("the secret is no revision")]
    NotARevision,
    /// The content cannot be read.
    #[error("the revision's content is damaged")]
    Damaged,
}

/// The Secret. No owner reference: a revision outlives its cluster.
pub fn to_secret(revision: &Revision) -> Object {
    let content = json!({
        "digest": revision.digest,
        "commit": revision.commit,
        "manifests": revision.manifests,
        "effective": revision.effective,
        "objects": revision.objects,
    });
    Object::new(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": revision.name(),
            "namespace": revision.cluster.namespace,
            "labels": {
                "app": "StackGresCluster",
                "app.kubernetes.io/managed-by": "stackgres",
                "stackgres.io/cluster-name": revision.cluster.name,
                "stackgres.io/revision": "true",
            },
            "annotations": {"stackgres.io/digest": revision.digest, "stackgres.io/commit": revision.commit},
        },
        "type": REVISION_TYPE,
        "immutable": true,
        "data": {"revision": STANDARD.encode(pack(content.to_string().as_bytes()))},
    }))
}

/// The Secret, with what its commit says of itself.
pub fn from_commit(revision: &Revision, subject: &str, author: &str) -> Object {
    let mut secret = to_secret(revision).into_value();
    for (annotation, text) in [(COMMIT_SUBJECT, subject), (COMMIT_AUTHOR, author)] {
        secret["metadata"]["annotations"][annotation] = json!(text);
    }
    Object::new(secret)
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    // The header holds no time, so equal content gives equal bytes.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing to memory cannot fail; were it to, the empty result is refused when it is read back.
    if encoder.write_all(bytes).is_err() {
        return Vec::new();
    }
    encoder.finish().unwrap_or_default()
}

/// Reads a revision back.
pub fn from_secret(secret: &Object) -> Result<Revision, RevisionError> {
    if secret.kind() != "Secret" || secret.text("/type") != Some(REVISION_TYPE) {
        return Err(RevisionError::NotARevision);
    }
    let packed = secret.text("/data/revision").ok_or(RevisionError::NotARevision)?;
    let packed = STANDARD.decode(packed).map_err(|_| RevisionError::Damaged)?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).take(LARGEST).read_to_string(&mut text).map_err(|_| RevisionError::Damaged)?;
    let content: Value = serde_json::from_str(&text).map_err(|_| RevisionError::Damaged)?;
    let part = |name: &str| content.get(name).cloned().ok_or(RevisionError::Damaged);
    let objects =
        |name: &str| -> Result<Vec<Object>, RevisionError> { serde_json::from_value(part(name)?).map_err(|_| RevisionError::Damaged) };
    Ok(Revision {
        cluster: NamespacedName::new(secret.namespace().unwrap_or_default(), secret.label("stackgres.io/cluster-name").unwrap_or_default()),
        digest: part("digest")?.as_str().and_then(Digest::parse).ok_or(RevisionError::Damaged)?,
        commit: part("commit")?.as_str().unwrap_or_default().to_owned(),
        manifests: objects("manifests")?,
        effective: serde_json::from_value(part("effective")?).map_err(|_| RevisionError::Damaged)?,
        objects: objects("objects")?,
    })
}
