//! Objects as the watches and this program's own writes left them.
//!
//! In: events of watches, answers to writes. Out: every object of a kind, without a request. Invariant: only a shelf that was listed
//! completely, and whose watch has not failed since, answers; what this program wrote is never older here than its answer. Why: a pass
//! reads everything again, and lists of everything would cost the API server more the more clusters there are, also when nothing
//! happens.

use super::kinds::Resource;
use crate::model::{Object, ObjectKey};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Namespace and name.
type Place = (String, String);

/// What is kept.
#[derive(Default)]
pub struct Cache {
    shelves: Vec<Shelf>,
}

/// One kind with some labels.
struct Shelf {
    found: Resource,
    labels: &'static str,
    /// Every namespace that is watched; `None` is all of them.
    watched: Mutex<BTreeMap<Option<String>, Watched>>,
}

/// What one watch says.
#[derive(Default)]
struct Watched {
    /// Whether this is all there is.
    complete: bool,
    objects: BTreeMap<Place, Object>,
    /// The list that is being read.
    fresh: Option<BTreeMap<Place, Object>>,
}

impl Cache {
    /// Makes room for kinds, each in these namespaces; nothing is known of them yet.
    pub fn new(kinds: &[(Resource, &'static str)], namespaces: &[Option<String>]) -> Self {
        let shelf = |(found, labels): &(Resource, &'static str)| {
            let everywhere = [None];
            let namespaces = if found.namespaced { namespaces } else { &everywhere };
            let watched = namespaces.iter().map(|namespace| (namespace.clone(), Watched::default())).collect();
            Shelf { found: *found, labels, watched: Mutex::new(watched) }
        };
        Self { shelves: kinds.iter().map(shelf).collect() }
    }

    /// What is to be watched: kinds, labels and namespaces.
    pub fn watches(&self) -> Vec<(Resource, &'static str, Option<String>)> {
        let of = |shelf: &Shelf| {
            let namespaces: Vec<Option<String>> = shelf.lock().keys().cloned().collect();
            namespaces.into_iter().map(|namespace| (shelf.found, shelf.labels, namespace)).collect::<Vec<_>>()
        };
        self.shelves.iter().flat_map(of).collect()
    }

    /// Every object of a kind with these labels; `None` where that is not known.
    pub fn list(&self, kind: &str, labels: &str) -> Option<Vec<Object>> {
        let shelf = self.shelf(kind).filter(|shelf| shelf.labels == labels)?;
        let watched = shelf.lock();
        watched
            .values()
            .all(|watched| watched.complete)
            .then(|| watched.values().flat_map(|one| one.objects.values().map(Object::closed)).collect())
    }

    /// One object; `None` where it is not known whether it exists, and an inner `None` where it does not.
    pub fn get(&self, key: &ObjectKey) -> Option<Option<Object>> {
        let shelf = self.shelf(&key.kind)?;
        let watched = shelf.lock();
        let namespace = key.namespace.clone().unwrap_or_default();
        let watched = watched.get(&Some(namespace.clone())).or_else(|| watched.get(&None)).filter(|watched| watched.complete)?;
        let object = watched.objects.get(&(namespace, key.name.clone())).map(Object::closed);
        // An object without the labels may be there all the same.
        (object.is_some() || shelf.labels.is_empty()).then_some(object)
    }

    /// Whether every kind that is installed is known.
    pub fn is_complete(&self) -> bool {
        let complete = |shelf: &Shelf| shelf.lock().values().all(|watched| watched.complete);
        self.shelves.iter().all(|shelf| complete(shelf) || self.is_absent(&shelf.found))
    }

    /// Whether a kind is known not to be installed.
    pub fn is_absent(&self, found: &Resource) -> bool {
        let definition = |name: String| ObjectKey::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, &name);
        found.foreign_definition().is_some_and(|name| self.get(&definition(name)) == Some(None))
    }

    /// Keeps what the API server answered to a write.
    pub(super) fn written(&self, object: &Object) {
        let Some(shelf) = self.shelf(object.kind()) else { return };
        let mut watched = shelf.lock();
        let namespace = object.namespace().unwrap_or_default().to_owned();
        let scope = if watched.contains_key(&None) { None } else { Some(namespace) };
        let Some(watched) = watched.get_mut(&scope) else { return };
        let selected = selects(shelf.labels, object);
        for objects in [Some(&mut watched.objects), watched.fresh.as_mut()].into_iter().flatten() {
            if selected {
                put(objects, object.clone(), !shelf.labels.is_empty());
            } else {
                objects.remove(&place(object));
            }
        }
    }

    /// Forgets what this program deleted.
    pub(super) fn deleted(&self, key: &ObjectKey) {
        let Some(shelf) = self.shelf(&key.kind) else { return };
        let place = (key.namespace.clone().unwrap_or_default(), key.name.clone());
        for watched in shelf.lock().values_mut() {
            watched.objects.remove(&place);
            watched.fresh.iter_mut().for_each(|fresh| drop(fresh.remove(&place)));
        }
    }

    /// A list begins.
    pub(super) fn begins(&self, kind: &str, namespace: Option<&str>) {
        self.with(kind, namespace, |watched, _| watched.fresh = Some(BTreeMap::new()));
    }

    /// An object of the list.
    pub(super) fn listed(&self, kind: &str, namespace: Option<&str>, object: Object) {
        self.with(kind, namespace, |watched, pack| put(watched.fresh.get_or_insert_default(), object, pack));
    }

    /// The list ended, and is all there is, with what this program wrote meanwhile. Nothing of before is kept, however new it looks: a store
    /// that was restored from a snapshot has gone back.
    pub(super) fn ends(&self, kind: &str, namespace: Option<&str>) {
        self.with(kind, namespace, |watched, _| {
            watched.objects = watched.fresh.take().unwrap_or_default();
            watched.complete = true;
        });
    }

    /// An object came or changed.
    pub(super) fn changed(&self, kind: &str, namespace: Option<&str>, object: Object) {
        self.with(kind, namespace, |watched, pack| put(&mut watched.objects, object, pack));
    }

    /// An object went. One of that name that was made since stays.
    pub(super) fn gone(&self, kind: &str, namespace: Option<&str>, object: &Object) {
        self.with(kind, namespace, |watched, _| {
            let place = place(object);
            if watched.objects.get(&place).is_some_and(|kept| kept.uid() == object.uid()) {
                watched.objects.remove(&place);
            }
        });
    }

    /// The watch failed: what is kept may be old, so that nothing is answered from it.
    pub(super) fn doubts(&self, kind: &str, namespace: Option<&str>) {
        self.with(kind, namespace, |watched, _| watched.complete = false);
    }

    /// Changes what one watch says; the change is told whether objects are packed.
    fn with(&self, kind: &str, namespace: Option<&str>, change: impl FnOnce(&mut Watched, bool)) {
        if let Some(shelf) = self.shelf(kind)
            && let Some(watched) = shelf.lock().get_mut(&namespace.map(str::to_owned))
        {
            change(watched, !shelf.labels.is_empty());
        }
    }

    fn shelf(&self, kind: &str) -> Option<&Shelf> {
        self.shelves.iter().find(|shelf| shelf.found.kind == kind)
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Option<String>, Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(object: &Object) -> Place {
    (object.namespace().unwrap_or_default().to_owned(), object.name().to_owned())
}

/// Keeps an object unless a newer state of it is there. The same state stays as it is: who compared it knows it again. What clusters are made
/// of is packed: there are dozens of objects of each, and a pass looks into those of a few clusters.
fn put(objects: &mut BTreeMap<Place, Object>, object: Object, pack: bool) {
    let place = place(&object);
    if objects.get(&place).is_none_or(|kept| version(kept) < version(&object) || version(&object) == 0) {
        objects.insert(place, if pack { object.packed() } else { object.compact() });
    }
}

/// When an object was written, as a number that grows. Source: Kubernetes, KEP-5504, "Comparable Resource Version"; etcd's revision has
/// been that number in every version.
fn version(object: &Object) -> u64 {
    object.resource_version().and_then(|version| version.parse().ok()).unwrap_or_default()
}

/// Whether an object has the labels of a selector `a=b,c=d`.
fn selects(labels: &str, object: &Object) -> bool {
    labels.split(',').filter(|label| !label.is_empty()).all(|label| {
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        object.label(name) == Some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::super::kinds::resource;
    use super::*;
    use serde_json::json;

    const LABELS: &str = "app=StackGresCluster";

    fn secret(name: &str, version: u64, uid: &str) -> Object {
        Object::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "n", "uid": uid,
            "resourceVersion": version.to_string(), "labels": {"app": "StackGresCluster"}}}))
    }

    fn cache() -> Cache {
        Cache::new(&[(resource("Secret").unwrap(), LABELS)], &[None])
    }

    fn versions(cache: &Cache) -> Option<Vec<u64>> {
        cache.list("Secret", LABELS).map(|objects| objects.iter().map(version).collect())
    }

    /// A pass that took a half-read list for everything would find clusters without their Secrets.
    #[test]
    fn only_a_complete_list_answers() {
        let cache = cache();
        assert_eq!(versions(&cache), None);
        cache.begins("Secret", None);
        cache.listed("Secret", None, secret("a", 5, "1"));
        assert_eq!((versions(&cache), cache.is_complete()), (None, false));
        cache.ends("Secret", None);
        assert_eq!((versions(&cache), cache.is_complete()), (Some(vec![5]), true));
        let key = |name: &str| ObjectKey::new("v1", "Secret", Some("n"), name);
        assert!(cache.get(&key("a")).unwrap().is_some());
        assert!(cache.get(&key("b")).is_none(), "one without the labels may be there");
        cache.doubts("Secret", None);
        assert_eq!((versions(&cache), cache.get(&key("a")).is_none()), (None, true));
        cache.begins("Secret", None);
        cache.ends("Secret", None);
        assert_eq!(versions(&cache), Some(vec![]), "it went while no watch ran");
    }

    /// The next pass would otherwise undo, or do again, what this one did.
    #[test]
    fn what_was_written_is_not_forgotten_for_an_older_event() {
        let cache = cache();
        cache.begins("Secret", None);
        cache.listed("Secret", None, secret("a", 5, "1"));
        // Written while the list was read, and again after it.
        cache.written(&secret("b", 7, "2"));
        cache.ends("Secret", None);
        assert_eq!(versions(&cache), Some(vec![5, 7]));
        cache.written(&secret("a", 9, "1"));
        cache.changed("Secret", None, secret("a", 8, "1"));
        assert_eq!(versions(&cache), Some(vec![9, 7]));
        cache.written(&Object::new(json!({"kind": "Secret", "metadata": {"name": "a", "namespace": "n", "resourceVersion": "10"}})));
        assert_eq!(versions(&cache), Some(vec![7]), "it lost the labels");
    }

    /// After a restore of the store what was newer is gone, and a controller that goes by it would wait for ever.
    #[test]
    fn a_list_is_believed_also_when_it_is_older() {
        let cache = cache();
        let listed = |objects: &[Object]| {
            cache.begins("Secret", None);
            for object in objects {
                cache.listed("Secret", None, object.clone());
            }
            cache.ends("Secret", None);
        };
        listed(&[secret("a", 9, "1"), secret("b", 10, "2")]);
        cache.doubts("Secret", None);
        listed(&[secret("a", 5, "1")]);
        assert_eq!(versions(&cache), Some(vec![5]));
        cache.changed("Secret", None, secret("a", 6, "1"));
        assert_eq!(versions(&cache), Some(vec![6]));
    }

    /// A volume that was made again under the same name must not be taken for gone.
    #[test]
    fn an_object_that_was_made_again_outlives_the_news_of_its_predecessor() {
        let cache = cache();
        cache.begins("Secret", None);
        cache.ends("Secret", None);
        cache.changed("Secret", None, secret("a", 5, "1"));
        cache.deleted(&secret("a", 5, "1").key());
        assert_eq!(versions(&cache), Some(vec![]));
        cache.written(&secret("a", 7, "2"));
        cache.gone("Secret", None, &secret("a", 6, "1"));
        assert_eq!(versions(&cache), Some(vec![7]));
        cache.gone("Secret", None, &secret("a", 8, "2"));
        assert_eq!(versions(&cache), Some(vec![]));
    }

    #[test]
    fn each_namespace_is_complete_by_itself() {
        let cache = Cache::new(&[(resource("Secret").unwrap(), LABELS)], &[Some("n".to_owned()), Some("m".to_owned())]);
        cache.begins("Secret", Some("n"));
        cache.listed("Secret", Some("n"), secret("a", 5, "1"));
        cache.ends("Secret", Some("n"));
        assert_eq!(versions(&cache), None);
        cache.begins("Secret", Some("m"));
        cache.ends("Secret", Some("m"));
        assert_eq!(versions(&cache), Some(vec![5]));
        assert_eq!(cache.watches().len(), 2);
    }
}
