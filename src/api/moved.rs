//! Where fields of older versions of the API live now.
//!
//! In: nothing. Out: [`moved`]. Sources: the CustomResourceDefinitions of StackGres before 0.9 (`v1alpha1`, kinds `StackGres…`), of 0.9
//! (`v1beta1`) and 1.0 to 1.2 (`v1`), its conversions from `v1beta1` to `v1`, and the notes on upgrades to 1.2 and 1.3.

use serde_json::{Map, Value};

/// A field that is not there any more.
#[derive(Debug)]
pub struct Moved {
    /// Kind it was a field of.
    kind: &'static str,
    /// JSON pointer of where it was; `*` is one step of any name.
    old: &'static str,
    /// What became of it.
    to: To,
    /// API version, or last releases of StackGres, that had it there.
    until: &'static str,
}

/// What became of a field.
#[derive(Debug)]
enum To {
    /// The value, or what is at a pointer inside of it, stands at another pointer. `*` is the step that `*` stood for; a number is an
    /// item of a list.
    Place { inside: &'static str, new: &'static str },
    /// The opposite of the value stands at another pointer.
    Opposite(&'static str),
    /// What to do, in words.
    Words(&'static str),
}

const fn place(kind: &'static str, old: &'static str, new: &'static str, until: &'static str) -> Moved {
    Moved { kind, old, to: To::Place { inside: "", new }, until }
}

const fn words(kind: &'static str, old: &'static str, words: &'static str, until: &'static str) -> Moved {
    Moved { kind, old, to: To::Words(words), until }
}

const BACKUP_CONFIGURATION: &str = "an SGObjectStorage takes the place of the SGBackupConfig: write spec.configurations.backups with its `sgObjectStorage`, `cronSchedule` and `retention`; the finding on the SGBackupConfig writes both out";
const SCRIPTS: &str =
    "write the scripts as entries of an SGScript and name it: spec.managedSql.scripts with an item `sgScript: NAME` for each SGScript";
const RESTORE: &str = "write `fromBackup: {name: NAME}` with the name of the SGBackup; `kubectl get sgbackups -o custom-columns=NAME:.metadata.name,UID:.metadata.uid` finds it by its UID";

const TABLE: &[Moved] = &[
    // SGCluster, the first flat form.
    place("SGCluster", "/spec/pgVersion", "/spec/postgres/version", "v1alpha1"),
    place("SGCluster", "/spec/volumeSize", "/spec/pods/persistentVolume/size", "v1alpha1"),
    place("SGCluster", "/spec/storageClass", "/spec/pods/persistentVolume/storageClass", "v1alpha1"),
    place("SGCluster", "/spec/pgConfig", "/spec/configurations/sgPostgresConfig", "v1alpha1"),
    place("SGCluster", "/spec/connectionPoolingConfig", "/spec/configurations/sgPoolingConfig", "v1alpha1"),
    place("SGCluster", "/spec/resourceProfile", "/spec/sgInstanceProfile", "v1alpha1"),
    words("SGCluster", "/spec/backupConfig", BACKUP_CONFIGURATION, "v1alpha1"),
    words(
        "SGCluster",
        "/spec/sidecars",
        "take it out: pooler, metrics exporter and tools are there unless spec.pods.disableConnectionPooling, spec.configurations.observability.disableMetrics or spec.pods.disablePostgresUtil is true",
        "v1alpha1",
    ),
    words(
        "SGCluster",
        "/spec/restore",
        "write it below spec.initialData.restore, as `fromBackup: {name: NAME}` with the name of the SGBackup",
        "v1alpha1",
    ),
    place("SGCluster", "/spec/pods/persistentVolume/volumeSize", "/spec/pods/persistentVolume/size", "v1alpha1"),
    place("SGCluster", "/spec/nonProduction", "/spec/nonProductionOptions", "v1alpha1"),
    // SGCluster v1beta1.
    place("SGCluster", "/spec/postgresVersion", "/spec/postgres/version", "v1beta1"),
    place("SGCluster", "/spec/metadata/annotations/pods", "/spec/metadata/annotations/clusterPods", "v1beta1"),
    place("SGCluster", "/spec/postgresServices/primary/annotations", "/spec/metadata/annotations/primaryService", "v1beta1"),
    place("SGCluster", "/spec/postgresServices/replicas/annotations", "/spec/metadata/annotations/replicasService", "v1beta1"),
    Moved {
        kind: "SGCluster",
        old: "/spec/pods/metadata",
        to: To::Place { inside: "/labels", new: "/spec/metadata/labels/clusterPods" },
        until: "v1beta1",
    },
    words("SGCluster", "/spec/initialData/restore/fromBackup", RESTORE, "v1beta1"),
    // SGCluster v1 of the first releases.
    place("SGCluster", "/spec/postgresExtensions", "/spec/postgres/extensions", "StackGres 1.0-alpha"),
    place("SGCluster", "/spec/flavor", "/spec/postgres/flavor", "StackGres 1.1"),
    words("SGCluster", "/spec/configurations/sgBackupConfig", BACKUP_CONFIGURATION, "StackGres 1.2"),
    words(
        "SGCluster",
        "/spec/configurations/backupPath",
        "write it as `path` of the item of spec.configurations.backups: backups that are there are found by it",
        "StackGres 1.2",
    ),
    place("SGCluster", "/spec/prometheusAutobind", "/spec/configurations/observability/prometheusAutobind", "StackGres 1.x"),
    // The other kinds.
    place("SGPostgresConfig", "/spec/pgVersion", "/spec/postgresVersion", "v1alpha1"),
    place("SGPoolingConfig", "/spec/pgbouncer.ini", "/spec/pgBouncer/pgbouncer.ini/pgbouncer", "v1alpha1"),
    place("SGPoolingConfig", "/spec/pgBouncer/pgbouncer.ini/*", "/spec/pgBouncer/pgbouncer.ini/pgbouncer/*", "v1beta1"),
    place("SGBackup", "/spec/cluster", "/spec/sgCluster", "v1alpha1"),
    place("SGBackup", "/spec/subjectToRetentionPolicy", "/spec/managedLifecycle", "v1alpha1"),
    Moved { kind: "SGBackup", old: "/spec/isPermanent", to: To::Opposite("/spec/managedLifecycle"), until: "v1alpha1" },
    words("SGObjectStorage", "/spec/s3/path", "write it behind the name of the bucket: `bucket: BUCKET/PATH`", "StackGres 1.2"),
    words("SGObjectStorage", "/spec/s3Compatible/path", "write it behind the name of the bucket: `bucket: BUCKET/PATH`", "StackGres 1.2"),
    words("SGObjectStorage", "/spec/gcs/path", "write it behind the name of the bucket: `bucket: BUCKET/PATH`", "StackGres 1.2"),
    words("SGObjectStorage", "/spec/azureBlob/path", "write it behind the name of the bucket: `bucket: BUCKET/PATH`", "StackGres 1.2"),
];

/// Fields that are still taken and live elsewhere now.
const DEPRECATED: &[Moved] = &[
    place("SGCluster", "/spec/pods/disableMetricsExporter", "/spec/configurations/observability/disableMetrics", "StackGres 1.x"),
    words("SGCluster", "/spec/initialData/scripts", SCRIPTS, "StackGres 1.2"),
    words("SGCluster", "/spec/initialData/restore/fromBackup/uid", RESTORE, "StackGres 1.2"),
];

/// What an older version had at a place.
pub fn moved(kind: &str, pointer: &str) -> Option<&'static Moved> {
    TABLE.iter().find(|moved| moved.kind == kind && matches(moved.old, pointer).is_some())
}

/// Fields of a kind that are still taken and live elsewhere now.
pub fn deprecated(kind: &str) -> impl Iterator<Item = &'static Moved> {
    DEPRECATED.iter().filter(move |moved| moved.kind == kind)
}

/// The step that `*` stands for (empty without one) where a pointer fits a pattern.
fn matches<'a>(pattern: &str, pointer: &'a str) -> Option<&'a str> {
    let (mut steps, mut free) = (pointer.split('/'), "");
    for expected in pattern.split('/') {
        let step = steps.next()?;
        if expected == "*" {
            free = step;
        } else if expected != step {
            return None;
        }
    }
    steps.next().is_none().then_some(free)
}

impl Moved {
    /// JSON pointer of where it was.
    pub const fn old(&self) -> &'static str {
        self.old
    }

    /// API version, or last releases of StackGres, that had it there.
    pub const fn until(&self) -> &'static str {
        self.until
    }

    /// Pointer of where the value lives now, if it has one place.
    pub fn new_place(&self, pointer: &str) -> Option<String> {
        let free = matches(self.old, pointer)?;
        match self.to {
            To::Place { new, .. } | To::Opposite(new) => Some(new.replace('*', free)),
            To::Words(_) => None,
        }
    }

    /// What to do, in words, where the value has not simply another place.
    pub const fn words(&self) -> Option<&'static str> {
        match self.to {
            To::Words(words) => Some(words),
            _ => None,
        }
    }

    /// The part of a document to write in place of the old field, from the root on: `{"spec": …}`.
    pub fn edit(&self, pointer: &str, value: &Value) -> Option<Value> {
        let new = self.new_place(pointer)?;
        let value = match self.to {
            To::Place { inside, .. } => value.pointer(inside)?.clone(),
            To::Opposite(_) => Value::Bool(!value.as_bool()?),
            To::Words(_) => return None,
        };
        let nest = |inner: Value, step: &str| Value::Object(Map::from_iter([(step.replace("~1", "/").replace("~0", "~"), inner)]));
        Some(new.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(value, nest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::find_kind;
    use crate::api::schema::Shape;
    use serde_json::json;

    /// A help that names a field that is not there sends its reader in a circle; one for a field that is there is never shown.
    #[test]
    fn every_new_place_is_a_field_and_no_old_one_is() {
        let at = |kind: &str, pointer: &str| {
            let mut schema = &*find_kind(kind).unwrap().schema;
            for step in pointer.split('/').skip(1) {
                if matches!(schema.shape, Shape::Object { preserve_unknown: true, .. }) {
                    return Some(schema);
                }
                schema = schema.child(step)?;
            }
            Some(schema)
        };
        for moved in TABLE {
            let taken = at(moved.kind, moved.old);
            // One was text and is a mapping now.
            assert!(taken.is_none() || moved.old.ends_with("/fromBackup"), "{} {}", moved.kind, moved.old);
            if let To::Place { new, .. } | To::Opposite(new) = moved.to {
                assert!(at(moved.kind, new).is_some(), "{} {new}", moved.kind);
            }
        }
        for moved in DEPRECATED {
            assert!(at(moved.kind, moved.old).is_some(), "{} {}", moved.kind, moved.old);
        }
    }

    #[test]
    fn the_edit_is_what_to_write() {
        let edit = |kind: &str, pointer: &str, value: Value| moved(kind, pointer).and_then(|moved| moved.edit(pointer, &value));
        assert_eq!(edit("SGCluster", "/spec/postgresVersion", json!("12.2")), Some(json!({"spec": {"postgres": {"version": "12.2"}}})));
        assert_eq!(
            edit("SGCluster", "/spec/pods/metadata", json!({"labels": {"a": "b"}})),
            Some(json!({"spec": {"metadata": {"labels": {"clusterPods": {"a": "b"}}}}}))
        );
        assert_eq!(
            edit("SGPoolingConfig", "/spec/pgBouncer/pgbouncer.ini/pool_mode", json!("session")),
            Some(json!({"spec": {"pgBouncer": {"pgbouncer.ini": {"pgbouncer": {"pool_mode": "session"}}}}}))
        );
        assert_eq!(edit("SGBackup", "/spec/isPermanent", json!(true)), Some(json!({"spec": {"managedLifecycle": false}})));
        assert_eq!(edit("SGBackup", "/spec/isPermanent", json!("yes")), None);
        assert!(moved("SGCluster", "/spec/postgresVersions").is_none() && moved("SGPostgresConfig", "/spec/postgresVersion").is_none());
    }
}
