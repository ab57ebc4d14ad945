//! Servers and packs that mean harm, and children that come to it. What must hold each time: an error that names the cause, within the
//! deadline, no memory of the controller, no process left, and the next look at a good server works.

use super::*;
use flate2::{Compression, write::ZlibEncoder};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

/// One object of a pack: type, size, what a delta is made of, content (Git's gitformat-pack).
fn entry(kind: u8, size: usize, base: &[u8], content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![(kind << 4) | u8::try_from(size & 15).unwrap()];
    let mut rest = size >> 4;
    while rest > 0 {
        *bytes.last_mut().unwrap() |= 0x80;
        bytes.push(u8::try_from(rest & 0x7f).unwrap());
        rest >>= 7;
    }
    bytes.extend(base);
    let mut zipped = ZlibEncoder::new(bytes, Compression::best());
    zipped.write_all(content).unwrap();
    zipped.finish().unwrap()
}

/// A pack of these objects.
fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut pack = [&b"PACK\0\0\0\x02"[..], &u32::try_from(entries.len()).unwrap().to_be_bytes(), &entries.concat()].concat();
    let mut sum = Command::new("sha1sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    sum.stdin.take().unwrap().write_all(&pack).unwrap();
    let text = String::from_utf8(sum.wait_with_output().unwrap().stdout).unwrap();
    pack.extend((0..20).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()));
    pack
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = number > 0x7f;
        bytes.push(u8::try_from(number & 0x7f).unwrap() | if more { 0x80 } else { 0 });
        number >>= 7;
        if !more {
            return bytes;
        }
    }
}

/// A blob of `size` bytes, and deltas on it that each repeat what they build on `times` times.
fn deltas(size: usize, times: &[usize]) -> Vec<u8> {
    let mut entries = vec![entry(3, size, &[], &vec![b'#'; size])];
    let mut length = size;
    for times in times {
        let mut delta = [varint(length), varint(length * times)].concat();
        for _ in 0..*times {
            let mut from = 0;
            while from < length {
                // Copy: four bytes of offset, three of size.
                let part = (length - from).min(0x00ff_ffff);
                delta.push(0xff);
                delta.extend(&u32::try_from(from).unwrap().to_le_bytes());
                delta.extend(&u32::try_from(part).unwrap().to_le_bytes()[..3]);
                from += part;
            }
        }
        // The distance to the entry before (gitformat-pack, OBJ_OFS_DELTA).
        let mut distance = entries.last().unwrap().len();
        let mut base = vec![u8::try_from(distance & 0x7f).unwrap()];
        distance >>= 7;
        while distance > 0 {
            distance -= 1;
            base.insert(0, u8::try_from(distance & 0x7f).unwrap() | 0x80);
            distance >>= 7;
        }
        entries.push(entry(6, delta.len(), &base, &delta));
        length *= times;
    }
    pack(&entries)
}

/// Peak of the resident memory of this process, in KiB (proc(5)).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn still_works(remote: &Remote, source: &GitSource) {
    remote.server.set(Mood::Good);
    assert_eq!(changed(look(source, None).await.unwrap()).files.len(), 1);
    none_is_left(&remote.folder.path().join("program")).await;
}

/// A forge that is broken or taken over must cost one fleet its news, and nobody anything else.
#[test]
fn servers_that_mean_harm_cost_a_deadline_at_most() {
    run(async || {
        let remote = Remote::new().await;
        let source = GitSource::new(remote.settings()).unwrap();
        for (mood, class) in [
            (Mood::Endless, Class::TooLarge),
            (Mood::Drip(Duration::from_millis(20)), Class::Timeout),
            (Mood::Silent, Class::Timeout),
            (Mood::Circle, Class::Refused),
            (Mood::Pack(deltas(10, &[])), Class::Unreachable), // a good pack, in which the commit is not
            (Mood::Pack(b"PACK\0\0\0\x02\xff\xff\xff\xff".to_vec()), Class::TooLarge), // four thousand million objects
            (Mood::Pack(vec![b'x'; 100_000]), Class::Unreachable),
        ] {
            let what = format!("{mood:?}").chars().take(40).collect::<String>();
            remote.server.set(mood);
            let deadline = Instant::now() + Duration::from_secs(if class == Class::Timeout { 2 } else { 60 });
            let error = source.latest(None, deadline, &CancellationToken::new()).await.expect_err(&what);
            assert_eq!(error.class(), class, "{what}: {error}");
            assert!(error.hint().is_some() && !error.to_string().contains("git-session"), "{what}: {error}");
        }
        still_works(&remote, &source).await;
    });
}

/// Eight kilobytes that ask for a gigabyte: the reason for a process of its own. The controller must not grow by it.
#[test]
fn packs_that_ask_for_memory_are_refused() {
    run(async || {
        let remote = Remote::new().await;
        let small = ChildProcess { memory_bytes: 64 << 20, ..child_in(remote.folder.path()) };
        let source = GitSource::new(GitSettings { child: Some(small), ..remote.settings() }).unwrap();
        let before = peak();
        for (what, pack, says) in [
            ("an object of 1 GiB", deltas(1 << 16, &[128, 128]), "does not answer as a Git server"),
            ("an object that the cap allows and the memory does not", deltas(1 << 16, &[256, 3]), "memory"),
        ] {
            assert!(pack.len() < 64 << 10, "{what}: {} bytes on the wire", pack.len());
            remote.server.set(Mood::Pack(pack));
            let error = look(&source, None).await.expect_err(what);
            assert!(error.to_string().contains(says), "{what}: {error}");
        }
        let grown = peak().saturating_sub(before);
        assert!(grown < 256 << 10, "this process grew by {grown} KiB");
        still_works(&remote, &source).await;
    });
}

/// However a child comes to its end, the controller goes on, says so, and begins with an empty copy, because the old one may be the cause.
#[test]
fn a_child_that_comes_to_harm_is_only_told_of() {
    run(async || {
        let remote = Remote::new().await;
        let script = remote.folder.path().join("child");
        let source =
            GitSource::new(GitSettings { child: Some(ChildProcess { program: script.clone(), ..child() }), ..remote.settings() }).unwrap();
        let becomes = |text: &str| {
            std::fs::write(&script, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        let good = format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_stackgres"));
        becomes(&good);
        changed(look(&source, None).await.unwrap());
        let cached = remote.folder.path().join("cache/repository.git/objects/pack");
        std::fs::write(cached.join("mark"), "").unwrap();
        for (text, class, says) in [
            ("kill -SEGV $$", Class::Corrupt, "signal 11"),
            ("exit 7", Class::Corrupt, "7"),
            ("head -c 100000 /dev/zero", Class::Corrupt, "ended unexpectedly"),
            ("kill -KILL $$", Class::TooLarge, "memory"),
            ("echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$", Class::TooLarge, "memory"),
            ("printf '\\377\\377\\377\\377\\377\\377\\377\\177'; sleep 60", Class::TooLarge, "list of files"),
            ("sleep 60", Class::Timeout, "deadline"),
        ] {
            becomes(text);
            let error = source.latest(None, Instant::now() + Duration::from_secs(3), &CancellationToken::new()).await.expect_err(text);
            assert_eq!(error.class(), class, "{text}: {error}");
            assert!(error.to_string().contains(says), "{text}: {error}");
        }
        becomes(&good);
        changed(look(&source, None).await.unwrap());
        assert!(!cached.join("mark").exists(), "the copy is a new one");
        std::fs::remove_file(&script).unwrap();
        let error = look(&source, None).await.unwrap_err();
        assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
        none_is_left(remote.folder.path()).await;
    });
}

/// Whoever stops asking leaves nobody working, and more fleets than places wait for each other instead of for memory.
#[test]
fn a_look_that_nobody_waits_for_ends_and_gives_its_place_back() {
    run(async || {
        let remote = Remote::new().await;
        let one = ChildProcess { places: Arc::new(Semaphore::new(1)), ..child_in(remote.folder.path()) };
        let source = GitSource::new(GitSettings { child: Some(one.clone()), ..remote.settings() }).unwrap();
        remote.server.set(Mood::Silent);
        let program = remote.folder.path().join("program");
        let looking = tokio::spawn(async move { look(&source, None).await.map(|_| ()) });
        while processes_of(&program) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(one.places.available_permits(), 0);
        looking.abort();
        none_is_left(&program).await;
        remote.server.set(Mood::Good);
        let again = GitSource::new(GitSettings { child: Some(one), ..remote.settings() }).unwrap();
        changed(look(&again, None).await.unwrap());
    });
}
