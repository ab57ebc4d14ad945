//! Objects that are wrong by somebody's hand.

use super::{of_three, told};
use crate::real_pods::{NAME, until, when_drawn};

/// An image that nobody has reaches one instance; the others serve, and the status says what is wrong.
#[test]
fn a_wrong_image_is_told() {
    when_drawn("a_wrong_image_is_told", |nodes| {
        let database = of_three(nodes, "image");
        let (primary, replica) = (database.primary(), database.replicas().remove(0));
        let writer = database.writer(240);
        std::thread::sleep(std::time::Duration::from_secs(3));
        let wrong = r#"{"spec":{"containers":[{"name":"patroni","image":"stackgres/postgres:none"}]}}"#;
        database.kubectl(&["patch", "pod", &replica, "-p", wrong]);
        let began = std::time::Instant::now();
        until("the container is gone", 90, || database.status("/readyInstances") == 2);
        until("the status names the image", 120, || database.conditions().contains("stackgres/postgres:none"));
        eprintln!("image: after {:.1} s\n{}", began.elapsed().as_secs_f64(), database.conditions());
        assert_eq!(database.primary(), primary, "the primary is left alone");
        database.kubectl(&["delete", "pod", &replica]);
        database.ready(3);
        let outcome = writer.stop(&database);
        told("a replica gets an image that does not exist", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        database.sound(3);
    });
}

/// The Secret of the passwords is deleted: databases go on, the status says so, and no new passwords are made over old data.
#[test]
fn a_lost_secret_is_told() {
    when_drawn("a_lost_secret_is_told", |nodes| {
        let database = of_three(nodes, "secret");
        let writer = database.writer(240);
        std::thread::sleep(std::time::Duration::from_secs(3));
        let secret = database.kubectl(&["get", "secret", NAME, "-o", "json"]);
        let mut right: serde_json::Value = serde_json::from_str(&secret).unwrap();
        for field in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
            right["metadata"].as_object_mut().unwrap().remove(field);
        }
        database.kubectl(&["delete", "secret", NAME]);
        let told_it = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("the status names the Secret", 60, || database.conditions().to_lowercase().contains("secret"));
        }));
        eprintln!("secret, deleted:\n{}", database.conditions());
        let primary = database.primary();
        assert_eq!(database.inside(&primary, "select 1"), "1", "the database runs on");
        nodes.kubectl(&["-n", &database.namespace, "delete", "secret", NAME, "--ignore-not-found"]);
        nodes.apply(&right.to_string());
        database.ready(3);
        let outcome = writer.stop(&database);
        told("the Secret of the passwords is deleted and restored", &outcome);
        assert_eq!(outcome.lost, [0; 0], "lost");
        if let Err(panic) = told_it {
            std::panic::resume_unwind(panic);
        }
        database.sound(3);
    });
}
