//! A fleet to measure with, as a Git repository.

use git2::{Oid, Repository, Signature, TreeBuilder};
use std::collections::BTreeMap;
use std::path::Path;

/// Clusters in one namespace, each in a file of its own, with the three configurations they share.
pub(crate) const TOGETHER: usize = 100;

/// Name of the namespace of a cluster.
pub(crate) fn namespace(number: usize) -> String {
    format!("team-{:03}", number / TOGETHER)
}

/// Name of a cluster.
pub(crate) fn name(number: usize) -> String {
    format!("database-{number:05}")
}

/// A cluster as a team writes it; `edition` is what a commit changes in it.
pub(crate) fn cluster(namespace: &str, number: usize, edition: usize) -> String {
    format!(
        "# The database of service {number}.
apiVersion: stackgres.io/v1
kind: SGCluster
metadata:
  name: {}
  namespace: {namespace}
  labels:
    team: {namespace}
spec:
  instances: {}
  postgres:
    version: '17'
  sgInstanceProfile: size-m
  pods:
    persistentVolume:
      size: {}Gi
  configurations:
    sgPostgresConfig: oltp
    sgPoolingConfig: transaction
  metadata:
    labels:
      clusterPods:
        cost-center: '{}'
",
        name(number),
        1 + number % 3,
        10 + number % 90,
        number * 10_000 + edition
    )
}

/// What the clusters of a namespace share.
pub(crate) fn shared(namespace: &str) -> [(&'static str, String); 3] {
    let head = |kind: &str, name: &str| {
        format!("apiVersion: stackgres.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: {namespace}\nspec:\n")
    };
    [
        ("profile.yaml", head("SGInstanceProfile", "size-m") + "  cpu: '2'\n  memory: 4Gi\n"),
        (
            "parameters.yaml",
            head("SGPostgresConfig", "oltp")
                + "  postgresVersion: '17'\n  postgresql.conf:\n    max_connections: '200'\n    work_mem: 16MB\n    log_min_duration_statement: '500'\n",
        ),
        (
            "pooling.yaml",
            head("SGPoolingConfig", "transaction")
                + "  pgBouncer:\n    pgbouncer.ini:\n      pgbouncer:\n        pool_mode: transaction\n        default_pool_size: '80'\n",
        ),
    ]
}

/// Every file of a fleet, by path.
pub(crate) fn files(clusters: usize) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for number in 0..clusters {
        let namespace = namespace(number);
        if number % TOGETHER == 0 {
            for (file, text) in shared(&namespace) {
                files.insert(format!("{namespace}/{file}"), text);
            }
        }
        files.insert(format!("{namespace}/{}.yaml", name(number)), cluster(&namespace, number, 0));
    }
    files
}

/// A bare repository with one commit that holds these files in one pack, as a fetch leaves them.
pub(crate) fn repository(folder: &Path, files: &BTreeMap<String, String>) {
    let repository = Repository::init_bare(folder).unwrap();
    let odb = repository.odb().unwrap();
    let memory = odb.add_new_mempack_backend(1_000).unwrap();
    commit(&repository, files);
    let mut pack = git2::Buf::new();
    memory.dump(&repository, &mut pack).unwrap();
    let mut writer = odb.packwriter().unwrap();
    std::io::Write::write_all(&mut writer, &pack).unwrap();
    writer.commit().unwrap();
}

/// Commits these files, and nothing else, to the branch `main`.
fn commit(repository: &Repository, files: &BTreeMap<String, String>) -> Oid {
    let mut folders: BTreeMap<&str, TreeBuilder<'_>> = BTreeMap::new();
    for (path, text) in files {
        let (folder, file) = path.split_once('/').unwrap();
        let builder = folders.entry(folder).or_insert_with(|| repository.treebuilder(None).unwrap());
        builder.insert(file, repository.blob(text.as_bytes()).unwrap(), 0o100_644).unwrap();
    }
    let mut root = repository.treebuilder(None).unwrap();
    for (folder, builder) in folders {
        root.insert(folder, builder.write().unwrap(), 0o040_000).unwrap();
    }
    keep(repository, root.write().unwrap())
}

/// Commits the branch `main` with another content of one file.
pub(crate) fn change(folder: &Path, path: &str, text: &str) {
    let repository = Repository::open_bare(folder).unwrap();
    let tree = repository.head().unwrap().peel_to_tree().unwrap();
    let (folder, file) = path.split_once('/').unwrap();
    let inner = repository.find_tree(tree.get_name(folder).unwrap().id()).unwrap();
    let mut builder = repository.treebuilder(Some(&inner)).unwrap();
    builder.insert(file, repository.blob(text.as_bytes()).unwrap(), 0o100_644).unwrap();
    let mut root = repository.treebuilder(Some(&tree)).unwrap();
    root.insert(folder, builder.write().unwrap(), 0o040_000).unwrap();
    keep(&repository, root.write().unwrap());
}

fn keep(repository: &Repository, tree: Oid) -> Oid {
    let who = Signature::new("bench", "bench@example.org", &git2::Time::new(1_700_000_000, 0)).unwrap();
    let parent = repository.find_reference("refs/heads/main").ok().map(|branch| branch.peel_to_commit().unwrap());
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let tree = repository.find_tree(tree).unwrap();
    let id = repository.commit(Some("refs/heads/main"), &who, &who, "clusters", &tree, &parents).unwrap();
    repository.set_head("refs/heads/main").unwrap();
    id
}

/// Reads every blob of the branch `main` as libgit2 does, and nothing more; gives how many bytes they hold.
pub(crate) fn read_with_libgit2(folder: &Path) -> usize {
    let repository = Repository::open_bare(folder).unwrap();
    let tree = repository.head().unwrap().peel_to_tree().unwrap();
    let mut bytes = 0;
    tree.walk(git2::TreeWalkMode::PreOrder, |_, entry| {
        if entry.kind() == Some(git2::ObjectType::Blob) {
            bytes += repository.find_blob(entry.id()).unwrap().content().len();
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    bytes
}
