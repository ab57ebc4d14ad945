//! Each fault by itself: that it happened, what the API server holds afterwards, and what the program makes of it.

use super::layer::{Fault, Faults, Plan, client};
use http::Method;
use serde_json::json;
use stackgres::kubernetes::{Apply, Cache, Class, Cluster, resource, watch};
use stackgres::model::{Object, ObjectKey};
use stackgres::sandbox::{Sandbox, SandboxOptions};
use std::sync::Arc;
use std::time::Duration;

/// An API under test.
struct Under {
    kubeconfig: kube::config::Kubeconfig,
    namespace: String,
}

impl Under {
    /// The program's client, and one of its requests that goes wrong.
    async fn broken(&self, method: Method, part: &str, fault: Fault) -> (Arc<Faults>, Cluster) {
        let faults = Faults::new(Plan { once: Some((method, part.to_owned(), fault)), ..Plan::default() });
        let client = client(&faults, self.kubeconfig.clone()).await;
        (faults, Cluster::new(client, Duration::from_millis(1_500)))
    }

    fn map(&self, name: &str, value: &str) -> Object {
        Object::new(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": self.namespace}, "data": {"x": value}}),
        )
    }

    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new("v1", "ConfigMap", Some(&self.namespace), name)
    }
}

fn in_memory(test: impl AsyncFnOnce(Under)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        drop(rustls::crypto::ring::default_provider().install_default());
        let sandbox = Sandbox::start(SandboxOptions::default()).await.unwrap();
        let kubeconfig = kube::config::Kubeconfig::from_yaml(&sandbox.kubeconfig()).unwrap();
        test(Under { kubeconfig, namespace: "default".to_owned() }).await;
    });
}

fn real(name: &str, test: impl AsyncFnOnce(Under)) {
    crate::real_cluster::with_client(name, async |client| {
        let namespace = format!("faults-{}-{}", std::process::id(), name.replace('_', "-"));
        crate::real_cluster::namespace(&client, &namespace).await;
        let path = std::env::var_os("STACKGRES_TEST_KUBECONFIG").unwrap();
        test(Under { kubeconfig: kube::config::Kubeconfig::read_from(path).unwrap(), namespace }).await;
    });
}

macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod on_a_real_api_server {
            $(#[test] fn $name() { super::real(stringify!($name), super::$name); })*
        }
        mod on_the_in_memory_api {
            $(#[test] fn $name() { super::in_memory(super::$name); })*
        }
    };
}

on_both!(a_broken_request_has_a_class_and_an_effect_or_none, a_broken_watch_still_tells_of_every_change);

/// Which class, and whether it was carried out: the program decides by the first and must not assume the second.
async fn a_broken_request_has_a_class_and_an_effect_or_none(api: Under) {
    for (fault, class, carried_out) in [
        (Fault::Conflict, Class::Conflict, false),
        (Fault::TooManyRequests, Class::Unavailable, false),
        (Fault::Internal, Class::Unavailable, false),
        (Fault::Unavailable, Class::Unavailable, false),
        (Fault::Hang, Class::Timeout, false),
        (Fault::BrokenBefore, Class::Unavailable, false),
        (Fault::BrokenAfter, Class::Unavailable, true),
    ] {
        let name = format!("{fault:?}").to_lowercase();
        let (faults, program) = api.broken(Method::POST, "/configmaps", fault).await;
        let error = program.create(&api.map(&name, "1")).await.unwrap_err();
        assert_eq!(error.class, class, "{fault:?}: {error}");
        assert_eq!(faults.record().counts().get(&fault), Some(&1), "it happened: {fault:?}");
        assert_eq!(program.get(&api.key(&name)).await.unwrap().is_some(), carried_out, "{fault:?}");
        // The next try is not broken; it finds what the broken one left.
        let again = program.create(&api.map(&name, "2")).await;
        assert_eq!(again.err().map(|error| error.class), carried_out.then_some(Class::AlreadyExists), "{fault:?}");
        let value = program.get(&api.key(&name)).await.unwrap().unwrap().text("/data/x").unwrap().to_owned();
        assert_eq!(value, if carried_out { "1" } else { "2" }, "{fault:?}: what was made first is not replaced");
    }
    // An apply that was carried out and is sent again writes nothing.
    let (_, program) = api.broken(Method::PATCH, "/configmaps", Fault::BrokenAfter).await;
    let how = Apply { manager: "stackgres-cluster".to_owned(), force: true, ..Apply::default() };
    assert!(program.apply(&api.map("applied", "1"), &how).await.unwrap_err().is_general());
    let first = program.get(&api.key("applied")).await.unwrap().unwrap();
    let second = program.apply(&api.map("applied", "1"), &how).await.unwrap();
    assert_eq!(first.text("/metadata/resourceVersion"), second.text("/metadata/resourceVersion"));
    // A delete that was carried out and is sent again finds nothing, which is what it wanted.
    let (faults, program) = api.broken(Method::DELETE, "/configmaps", Fault::BrokenAfter).await;
    assert!(program.delete(&api.key("applied"), first.text("/metadata/uid")).await.is_err());
    program.delete(&api.key("applied"), first.text("/metadata/uid")).await.unwrap();
    let statuses: Vec<u16> = faults.record().sent.iter().map(|sent| sent.status).collect();
    assert_eq!(statuses, [200, 404]);
    // A list that cannot go on is no empty list.
    let (faults, program) = api.broken(Method::GET, "/configmaps", Fault::Gone).await;
    assert!(program.list("ConfigMap", Some(&api.namespace), "").await.is_err());
    assert!(!program.list("ConfigMap", Some(&api.namespace), "").await.unwrap().is_empty());
    assert_eq!(faults.record().counts().get(&Fault::Gone), Some(&1));
}

/// A change that no watch tells of is acted on only when the clock says so.
async fn a_broken_watch_still_tells_of_every_change(api: Under) {
    for fault in [Fault::WatchDropped, Fault::WatchGone, Fault::WatchRefused, Fault::WatchDuplicated, Fault::WatchReordered] {
        let (faults, program) = api.broken(Method::GET, "/configmaps", fault).await;
        let (hints, mut hinted) = tokio::sync::mpsc::channel(1);
        let (maps, namespace) = (resource("ConfigMap").unwrap(), Some(api.namespace.clone()));
        let cache = Arc::new(Cache::new(&[(maps, "")], std::slice::from_ref(&namespace)));
        let watching = watch(program.client(), cache.clone(), (maps, "", namespace), hints);
        let watching = tokio::spawn(watching);
        for round in 0..6 {
            drop(program.create(&api.map(&format!("{fault:?}-{round}").to_lowercase(), "1")).await.unwrap());
            let told = tokio::time::timeout(Duration::from_mins(1), hinted.recv()).await;
            assert!(told.is_ok(), "{fault:?}: nothing was told of change {round}");
        }
        // What is kept is what is there, whatever the watch went through.
        let states = |objects: Vec<Object>| -> Vec<(String, Option<String>)> {
            objects.iter().map(|object| (object.name().to_owned(), object.resource_version().map(str::to_owned))).collect()
        };
        let there = states(program.list("ConfigMap", Some(&api.namespace), "").await.unwrap());
        let mut kept = None;
        for _ in 0..300 {
            kept = cache.list("ConfigMap", "").map(states);
            if kept.as_ref() == Some(&there) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(kept, Some(there), "{fault:?}");
        assert_eq!(faults.record().counts().get(&fault), Some(&1), "it happened");
        watching.abort();
    }
}
