//! Sources against a real Git server over HTTPS: what is fetched, what is refused, what a failure says.

mod hostile;
pub(crate) mod server;
pub(crate) mod signatures;
pub(crate) mod ssh;

use server::{Mood, Server, basic, proxy};
use stackgres::model::SecretText;
use stackgres::source::{
    ChildProcess, Class, Credentials, DirectorySettings, DirectorySource, Event, GitSettings, GitSource, Limits, LocalRepository, Poll,
    Polled, Proxy, Reference, Refusal, RevisionKey, Snapshot, Source, SourceError,
};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Runs git without anything of the machine's configuration.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The process that reads remote repositories, as the controller starts it.
pub(crate) fn child() -> ChildProcess {
    ChildProcess { program: env!("CARGO_BIN_EXE_stackgres").into(), memory_bytes: 384 << 20, places: Arc::new(Semaphore::new(4)) }
}

/// The same, under a name of its own in a folder, by which [`processes_of`] finds it.
fn child_in(folder: &Path) -> ChildProcess {
    let program = folder.join("program");
    if !program.exists() {
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_stackgres"), &program).unwrap();
    }
    ChildProcess { program, ..child() }
}

/// Processes that run whose arguments name something in a folder: children, and the clients they start with a key of it.
fn processes_of(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(folder))
        .count()
}

/// Waits until none of them is left.
async fn none_is_left(folder: &Path) {
    for _ in 0..100 {
        if processes_of(folder) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{} processes are left", processes_of(folder));
}

/// A work tree whose pushes a server sees.
pub(crate) struct Remote {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: Server,
}

impl Remote {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        git(root, &["init", "--quiet", "--bare", "served/fleet.git"]);
        git(root, &["clone", "--quiet", "served/fleet.git", "work"]);
        let remote = Self { server: Server::start(&root.join("served")).await, folder };
        remote.push("clusters/orders.yaml", "a: 1\n", "add orders");
        remote
    }

    pub(crate) fn work(&self) -> std::path::PathBuf {
        self.folder.path().join("work")
    }

    fn put(&self, path: &str, text: &str) {
        let file = self.work().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(crate) fn push(&self, path: &str, text: &str, subject: &str) -> String {
        self.put(path, text);
        self.commit(subject)
    }

    pub(crate) fn commit(&self, subject: &str) -> String {
        git(&self.work(), &["add", "--all"]);
        git(&self.work(), &["commit", "--quiet", "--allow-empty", "--message", subject]);
        git(&self.work(), &["push", "--quiet", "--force", "origin", "HEAD:main"]);
        git(&self.work(), &["rev-parse", "HEAD"])
    }

    fn settings(&self) -> GitSettings {
        let mut settings = GitSettings::new(self.server.url("fleet.git"), self.folder.path().join("cache"));
        settings.certificate_authority = Some(self.server.authority.clone());
        settings.child = Some(child_in(self.folder.path()));
        "clusters".clone_into(&mut settings.path);
        settings
    }
}

async fn look(source: &GitSource, known: Option<&RevisionKey>) -> Result<Polled, SourceError> {
    source.latest(known, Instant::now() + Duration::from_secs(20), &CancellationToken::new()).await
}

async fn look_with(settings: GitSettings) -> Result<Polled, SourceError> {
    look(&GitSource::new(settings)?, None).await
}

fn changed(polled: Polled) -> Snapshot {
    match polled.poll {
        Poll::Changed(snapshot) => snapshot,
        other => panic!("not changed: {other:?}"),
    }
}

fn run(test: impl AsyncFnOnce()) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test());
}

/// The cost of a quiet repository is one small request, and of a push elsewhere no reading: this is what lets a controller
/// look every few seconds.
#[test]
fn a_push_is_seen_and_a_quiet_repository_costs_one_request() {
    run(async || {
        let remote = Remote::new().await;
        remote.push("README.md", "hi", "greet");
        remote.push("clusters/orders.yaml", "a: 1 #\n", "comment orders");
        let source = GitSource::new(remote.settings()).unwrap();
        let first = changed(look(&source, None).await.unwrap());
        let bare = remote.folder.path().join("cache/repository.git");
        assert!(bare.join("shallow").exists(), "history is not fetched");
        let paths: Vec<_> = first.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["clusters/orders.yaml"], "paths count from the root of the repository");
        assert_eq!(first.revision.subject.as_deref(), Some("comment orders"));
        assert_eq!(first.revision.author.as_deref(), Some("Ada <ada@example.org>"));
        assert_eq!(first.revision.reference.as_deref(), Some("refs/heads/main"));
        remote.server.asked();

        let key = first.revision.key();
        assert_eq!(look(&source, Some(&key)).await.unwrap().poll, Poll::Unchanged);
        assert_eq!(remote.server.asked(), ["GET /fleet.git/info/refs"], "ls-remote, nothing more");

        let elsewhere = remote.push("README.md", "hello", "describe");
        let polled = look(&source, Some(&key)).await.unwrap();
        let Poll::SameContent(revision) = polled.poll else { panic!("the folder did not change: {polled:?}") };
        assert_eq!(revision.id, elsewhere);

        remote.push("clusters/orders.yaml", "a: 2\n", "change orders");
        let polled = look(&source, Some(&revision.key())).await.unwrap();
        assert!(polled.events.is_empty(), "{:?}", polled.events);
        let second = changed(polled);
        assert_eq!(&*second.files[0].content, b"a: 2\n");
        assert_ne!(second.files[0].id, first.files[0].id);
        assert!(!bare.join("index").exists(), "nothing is checked out");
    });
}

/// What the whole repository leaves out, a folder of it leaves out too, and a change of that list is a change of the folder.
#[test]
fn ignore_files_above_the_folder_belong_to_it() {
    run(async || {
        let remote = Remote::new().await;
        let paths = |snapshot: &Snapshot| snapshot.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        let source = GitSource::new(remote.settings()).unwrap();
        let key = changed(look(&source, None).await.unwrap()).revision.key();
        remote.push(".stackgresignore", "x.yaml\n", "ignore x");
        let first = changed(look(&source, Some(&key)).await.unwrap());
        assert_eq!(paths(&first), [".stackgresignore", "clusters/orders.yaml"]);
        remote.push("README.md", "hi", "greet");
        assert!(matches!(look(&source, Some(&first.revision.key())).await.unwrap().poll, Poll::SameContent(_)));
        remote.push(".stackgresignore", "orders.yaml\n", "ignore orders");
        assert_ne!(changed(look(&source, Some(&first.revision.key())).await.unwrap()).revision.content, first.revision.content);

        let settings = DirectorySettings { root: remote.work(), path: "clusters".to_owned(), limits: Limits::default() };
        let directory = Source::Directory(DirectorySource::new(settings));
        let polled = directory.latest(None, Instant::now() + Duration::from_secs(10), &CancellationToken::new()).await.unwrap();
        assert_eq!(paths(&changed(polled)), [".stackgresignore", "clusters/orders.yaml"]);
    });
}

/// A force push may take back what was reviewed; it must not pass silently.
#[test]
fn rewritten_and_rewound_branches_are_told() {
    run(async || {
        let remote = Remote::new().await;
        let source = GitSource::new(remote.settings()).unwrap();
        let first = git(&remote.work(), &["rev-parse", "HEAD"]);
        remote.push("clusters/orders.yaml", "a: 2\n", "two");
        let seen = changed(look(&source, None).await.unwrap()).revision.key();
        remote.put("clusters/orders.yaml", "a: 3\n");
        git(&remote.work(), &["commit", "--quiet", "--all", "--amend", "--message", "other two"]);
        git(&remote.work(), &["push", "--quiet", "--force", "origin", "HEAD:main"]);
        let polled = look(&source, Some(&seen)).await.unwrap();
        assert!(matches!(polled.events.as_slice(), [Event::HistoryRewritten { .. }]), "{:?}", polled.events);
        let seen = changed(polled).revision.key();
        git(&remote.work(), &["push", "--quiet", "--force", "origin", &format!("{first}:main")]);
        let polled = look(&source, Some(&seen)).await.unwrap();
        assert!(matches!(polled.events.as_slice(), [Event::Rewound { .. }]), "{:?}", polled.events);
    });
}

/// A branch that is gone is not an empty one, and whoever follows the default branch follows it under its new name.
#[test]
fn a_renamed_default_branch_is_followed_and_a_vanished_branch_is_named() {
    run(async || {
        let remote = Remote::new().await;
        let on_main = GitSource::new(GitSettings { reference: Reference::Branch("main".to_owned()), ..remote.settings() }).unwrap();
        let on_default = GitSource::new(GitSettings { cache: remote.folder.path().join("other"), ..remote.settings() }).unwrap();
        let seen = changed(look(&on_main, None).await.unwrap()).revision;
        let by_default = changed(look(&on_default, None).await.unwrap()).revision;
        assert_eq!(by_default.reference.as_deref(), Some("refs/heads/main"));
        let served = remote.folder.path().join("served/fleet.git");
        git(&served, &["branch", "--move", "main", "trunk"]);
        git(&served, &["symbolic-ref", "HEAD", "refs/heads/trunk"]);
        let error = look(&on_main, Some(&seen.key())).await.unwrap_err();
        assert!(matches!(&error, SourceError::ReferenceNotFound { last: Some(last), .. } if *last == seen.id), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("trunk")), "{error}");
        assert_eq!(look(&on_default, Some(&by_default.key())).await.unwrap().poll, Poll::Unchanged);
        remote.put("clusters/orders.yaml", "a: 2\n");
        git(&remote.work(), &["commit", "--quiet", "--all", "--message", "two"]);
        git(&remote.work(), &["push", "--quiet", "origin", "HEAD:trunk"]);
        let polled = look(&on_default, Some(&by_default.key())).await.unwrap();
        assert!(polled.events.is_empty(), "{:?}", polled.events);
        assert_eq!(changed(polled).revision.reference.as_deref(), Some("refs/heads/trunk"));
    });
}

/// Who may read is decided by the server; a wrong password must neither leak nor look like an empty repository.
#[test]
fn credentials_of_both_kinds() {
    run(async || {
        let remote = Remote::new().await;
        remote.server.set(Mood::Wants(basic("deploy", "hunter2")));
        let with = |credentials: Credentials| GitSettings { credentials, ..remote.settings() };
        let user = |password: &str| Credentials::Basic { username: "deploy".to_owned(), password: SecretText::new(password) };
        changed(look_with(with(user("hunter2"))).await.unwrap());
        let wrong = look_with(with(user("hunter3"))).await.unwrap_err();
        assert!(matches!(wrong, SourceError::Unauthorized { sent: true, .. }), "{wrong}");
        assert!(!format!("{wrong} {wrong:?}").contains("hunter"), "{wrong:?}");
        let none = look_with(remote.settings()).await.unwrap_err();
        assert!(matches!(none, SourceError::Unauthorized { sent: false, .. }), "{none}");
        remote.server.set(Mood::Wants("Bearer token-1".to_owned()));
        changed(look_with(with(Credentials::Bearer(SecretText::new("token-1")))).await.unwrap());
    });
}

/// Trust comes from the system or from the fleet's own bundle, and from nowhere else.
#[test]
fn a_private_authority_is_trusted_only_when_named() {
    run(async || {
        let remote = Remote::new().await;
        let error = look_with(GitSettings { certificate_authority: None, ..remote.settings() }).await.unwrap_err();
        assert!(matches!(error, SourceError::Certificate { .. }), "{error:?}");
        let other = Remote::new().await;
        let error = look_with(GitSettings { certificate_authority: Some(other.server.authority.clone()), ..remote.settings() }).await;
        assert!(matches!(error, Err(SourceError::Certificate { .. })), "{error:?}");
        assert!(remote.server.asked().is_empty(), "nothing was said before trust");
    });
}

#[test]
fn everything_goes_through_the_proxy_that_is_named() {
    run(async || {
        let remote = Remote::new().await;
        let (address, count) = proxy().await;
        let through = Proxy { address: format!("http://{address}"), credentials: None };
        changed(look_with(GitSettings { proxy: Some(through), ..remote.settings() }).await.unwrap());
        assert!(count.load(Ordering::Relaxed) > 0);
        let nobody = Proxy { address: "http://127.0.0.1:1".to_owned(), credentials: None };
        let error = look_with(GitSettings { proxy: Some(nobody), ..remote.settings() }).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
    });
}

/// A server that hangs must cost the deadline and not the controller.
#[test]
fn deadline_and_cancellation_end_a_look() {
    run(async || {
        let remote = Remote::new().await;
        remote.server.set(Mood::Silent);
        let source = GitSource::new(remote.settings()).unwrap();
        let begun = std::time::Instant::now();
        let late = source.latest(None, Instant::now() + Duration::from_millis(300), &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(late, SourceError::Timeout { .. }), "{late}");
        let cancel = CancellationToken::new();
        let (stop, waiting) = (cancel.clone(), source.latest(None, Instant::now() + Duration::from_secs(25), &cancel));
        let (ended, ()) = tokio::join!(waiting, async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            stop.cancel();
        });
        assert!(matches!(ended.unwrap_err(), SourceError::Cancelled { .. }));
        assert!(begun.elapsed() < Duration::from_secs(20), "neither waited for the server");
        remote.server.set(Mood::Good);
        changed(look(&source, None).await.unwrap());
    });
}

/// Each failure is another thing to do for whoever reads it.
#[test]
fn failures_say_what_is_wrong() {
    run(async || {
        let remote = Remote::new().await;
        let mut told = Vec::new();
        for mood in [Mood::Status(503), Mood::Status(404), Mood::Page, Mood::Redirect("https://example.org/x".to_owned()), Mood::Cut(200)] {
            remote.server.set(mood);
            let error = look_with(remote.settings()).await.unwrap_err();
            assert!(error.hint().is_some(), "{error}");
            told.push(error);
        }
        assert!(
            matches!(
                told.as_slice(),
                [
                    SourceError::Status { status: 503, .. },
                    SourceError::RepositoryNotFound { .. },
                    SourceError::Protocol { .. },
                    SourceError::Refused { .. },
                    SourceError::Protocol { .. } | SourceError::Unreachable { .. }
                ]
            ),
            "{told:#?}"
        );
        remote.server.set(Mood::Good);
        changed(look_with(remote.settings()).await.unwrap());
        let missing = look_with(GitSettings { reference: Reference::Branch("mian".to_owned()), ..remote.settings() }).await.unwrap_err();
        assert!(missing.hint().is_some_and(|hint| hint.contains("main")), "{missing}");
        let folder = look_with(GitSettings { path: "cluster".to_owned(), ..remote.settings() }).await.unwrap_err();
        assert!(matches!(folder, SourceError::FolderNotFound { .. }), "{folder}");
        git(remote.folder.path(), &["init", "--quiet", "--bare", "served/empty.git"]);
        let empty = look_with(GitSettings { address: remote.server.url("empty.git"), ..remote.settings() }).await.unwrap_err();
        assert!(matches!(empty, SourceError::EmptyRepository { .. }), "{empty}");
    });
}

#[test]
fn tags_and_commits_are_followed_as_what_they_are() {
    run(async || {
        let remote = Remote::new().await;
        let first = git(&remote.work(), &["rev-parse", "HEAD"]);
        git(&remote.work(), &["tag", "--annotate", "v1", "--message", "one"]);
        git(&remote.work(), &["push", "--quiet", "origin", "v1"]);
        let second = remote.push("clusters/orders.yaml", "a: 2\n", "two");
        let at = |reference: Reference| GitSettings { reference, ..remote.settings() };
        let tag = changed(look_with(at(Reference::Tag("v1".to_owned()))).await.unwrap());
        assert_eq!(tag.revision.id, first, "the commit, not the tag object");
        let pinned = GitSource::new(at(Reference::Commit(first.clone()))).unwrap();
        let seen = changed(look(&pinned, None).await.unwrap()).revision;
        assert_eq!(seen.id, first);
        remote.server.asked();
        assert_eq!(look(&pinned, Some(&seen.key())).await.unwrap().poll, Poll::Unchanged);
        assert!(remote.server.asked().is_empty(), "what a commit names never changes");
        let source = GitSource::new(at(Reference::Tag("v1".to_owned()))).unwrap();
        git(&remote.work(), &["tag", "--force", "v1"]);
        git(&remote.work(), &["push", "--quiet", "--force", "origin", "v1"]);
        let moved = look(&source, Some(&tag.revision.key())).await.unwrap();
        assert!(matches!(moved.events.as_slice(), [Event::TagMoved { .. }]), "{:?}", moved.events);
        assert_eq!(changed(moved).revision.id, second);
    });
}

/// What could read outside the repository, run something or fill the memory is named and left out, never followed.
#[test]
fn links_submodules_large_files_and_bombs_are_refused() {
    run(async || {
        let remote = Remote::new().await;
        let served = remote.folder.path().join("served/fleet.git");
        git(&remote.work(), &["submodule", "--quiet", "add", served.to_str().unwrap(), "clusters/module"]);
        std::os::unix::fs::symlink("/etc/passwd", remote.work().join("clusters/link.yaml")).unwrap();
        remote.put("clusters/large.yaml", &"#\n".repeat(1 << 20));
        remote.put("clusters/lfs.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
        remote.commit("trouble");
        let snapshot = changed(look_with(remote.settings()).await.unwrap());
        let refused: Vec<_> = snapshot.refused.iter().map(|refused| (refused.path.as_str(), &refused.reason)).collect();
        assert!(
            matches!(
                refused.as_slice(),
                [
                    ("clusters/large.yaml", Refusal::TooLarge { .. }),
                    ("clusters/lfs.yaml", Refusal::LargeFilePointer),
                    ("clusters/link.yaml", Refusal::Link),
                    ("clusters/module", Refusal::Submodule)
                ]
            ),
            "{refused:?}"
        );
        assert_eq!(snapshot.files.len(), 1);
        let small = Limits { fetch_bytes: 1000, ..Limits::default() };
        let settings = GitSettings { limits: small, cache: remote.folder.path().join("other"), ..remote.settings() };
        let error = look_with(settings).await.unwrap_err();
        assert!(matches!(error, SourceError::TooLarge { .. }), "{error:?}");
    });
}

/// A cache is a cache: damage costs a fetch.
#[test]
fn a_damaged_cache_is_fetched_anew() {
    run(async || {
        let remote = Remote::new().await;
        let source = GitSource::new(remote.settings()).unwrap();
        let key = changed(look(&source, None).await.unwrap()).revision.key();
        let pack = remote.folder.path().join("cache/repository.git/objects/pack");
        for entry in std::fs::read_dir(pack).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pack") {
                std::fs::remove_file(path).unwrap();
            }
        }
        remote.push("clusters/orders.yaml", "a: 2\n", "two");
        let snapshot = changed(look(&source, Some(&key)).await.unwrap());
        assert_eq!(&*snapshot.files[0].content, b"a: 2\n");
    });
}

/// Offline verbs read the repository they stand in, without a server.
#[test]
fn a_local_repository_gives_revisions_and_its_working_directory() {
    run(async || {
        let remote = Remote::new().await;
        remote.push("clusters/orders.yaml", "a: 2\n", "two");
        remote.put("clusters/orders.yaml", "a: 3\n");
        remote.put("clusters/draft.yaml", "a: 4\n");
        remote.put(".gitignore", "draft.yaml\n");
        let repository = LocalRepository::open(&remote.work().join("clusters")).unwrap();
        let at = |revision: &str| repository.snapshot(revision, "clusters", &Limits::default()).unwrap().files;
        assert_eq!((&*at("HEAD~1")[0].content, &*at("main")[0].content), (&b"a: 1\n"[..], &b"a: 2\n"[..]));
        let working = repository.working_directory("clusters", &Limits::default()).unwrap();
        assert_eq!(working.files.len(), 1, "what Git ignores is no part of it");
        assert_eq!(&*working.files[0].content, b"a: 3\n");
        let error = repository.snapshot("nothing", "", &Limits::default()).unwrap_err();
        assert!(matches!(error, SourceError::RevisionNotFound { shallow: false, .. }));
    });
}

/// A save is seen at once; the interval is only for what the file system does not tell.
#[test]
fn a_directory_tells_of_changes() {
    run(async || {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "a: 1\n").unwrap();
        let settings = DirectorySettings { root: folder.path().to_owned(), path: String::new(), limits: Limits::default() };
        let source = Source::Directory(DirectorySource::new(settings));
        let ask = async |known: Option<&RevisionKey>| {
            source.latest(known, Instant::now() + Duration::from_secs(10), &CancellationToken::new()).await.unwrap()
        };
        let mut changes = source.changes().unwrap().unwrap();
        let key = changed(ask(None).await).revision.key();
        assert_eq!(ask(Some(&key)).await.poll, Poll::Unchanged);
        std::fs::write(folder.path().join("a.yaml"), "a: 2\n").unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(10), changes.next()).await.unwrap());
        assert_ne!(changed(ask(Some(&key)).await).revision.key(), key);
    });
}

/// What a commit did not change is not read again: with thousands of files a push of one would cost reading all. The contents are the same, and
/// count under the caps as if they had been read.
#[test]
fn what_a_commit_did_not_change_is_not_read_again() {
    run(async || {
        let remote = Remote::new().await;
        // In place and without a child: a blob that cannot be read any more is not missed.
        let mut local = GitSettings::new(remote.work().display().to_string(), remote.folder.path().join("none"));
        (local.local, local.path) = (true, "clusters".to_owned());
        let (local, child) = (GitSource::new(local).unwrap(), GitSource::new(remote.settings()).unwrap());
        let (first, fetched) = (changed(look(&local, None).await.unwrap()), changed(look(&child, None).await.unwrap()));
        assert_eq!(first.files, fetched.files);
        let blob = git(&remote.work(), &["rev-parse", "HEAD:clusters/orders.yaml"]);
        remote.push("clusters/added.yaml", "b: 2\n", "add another");
        let object = remote.work().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
        let away = remote.folder.path().join("object");
        std::fs::rename(&object, &away).unwrap();
        for (source, before) in [(&local, first), (&child, fetched)] {
            let files = changed(look(source, Some(&before.revision.key())).await.unwrap()).files;
            let texts: Vec<_> = files.iter().map(|file| (file.path.as_str(), &*file.content)).collect();
            assert_eq!(texts, [("clusters/added.yaml", &b"b: 2\n"[..]), ("clusters/orders.yaml", b"a: 1\n")]);
        }
        let fresh = GitSource::new(GitSettings { local: true, ..GitSettings::new(remote.work().display().to_string(), "none") });
        let error = look(&fresh.unwrap(), None).await.unwrap_err();
        assert!(error.to_string().contains("clusters/orders.yaml is missing"), "who knows nothing has to read: {error}");
        std::fs::rename(&away, &object).unwrap();

        let mut small = remote.settings();
        small.limits.total_bytes = 12;
        let source = GitSource::new(small).unwrap();
        let before = changed(look(&source, None).await.unwrap()).revision.key();
        remote.push("clusters/third.yaml", "c: 3\n", "one too many");
        let error = look(&source, Some(&before)).await.unwrap_err();
        assert!(matches!(error, SourceError::TooLarge { .. }), "{error}");
    });
}
