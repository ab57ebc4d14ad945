//! What the program, `kube` and `kubectl` count on in a Kubernetes API, asked of the in-memory API and of a real API server with
//! the same bodies: a fake is trusted only as far as this suite goes. The real server is the judge; where the two differ, the fake is
//! wrong. Known exceptions stand in `docs/api-faults.md`.

mod apply;
mod collection;
mod custom;
mod deletion;
mod objects;
mod patches;
mod program;
mod reads;
mod requests;
mod watches;

use crate::real_cluster::{install, with_client};
use requests::Api;
use stackgres::sandbox::{Sandbox, SandboxOptions};
use std::time::Duration;

/// Runs a case on a fresh in-memory API. Pods are made there and never become ready, as without a node.
fn in_memory(name: &str, case: impl AsyncFnOnce(&Api)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SandboxOptions { pace: Duration::from_hours(1), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        drop(rustls::crypto::ring::default_provider().install_default());
        let kubeconfig = kube::config::Kubeconfig::from_yaml(&sandbox.kubeconfig()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
        let api = Api::new(kube::Client::try_from(config).unwrap(), name, Some(&sandbox)).await;
        case(&api).await;
        api.verdict();
    });
}

/// Runs it on the real one, in a namespace of its own.
fn real(name: &str, case: impl AsyncFnOnce(&Api)) {
    with_client(name, async |client| {
        static INSTALLED: tokio::sync::Mutex<bool> = tokio::sync::Mutex::const_new(false);
        let mut installed = INSTALLED.lock().await;
        if !*installed {
            install(&client).await;
            *installed = true;
        }
        drop(installed);
        let api = Api::new(client, name, None).await;
        case(&api).await;
        api.verdict();
    });
}

macro_rules! on_both {
    ($($topic:ident: [$($name:ident),* $(,)?]),* $(,)?) => {
        mod on_a_real_api_server {
            $(mod $topic { $(#[test] fn $name() { super::super::real(stringify!($name), super::super::$topic::$name); })* })*
        }
        mod on_the_in_memory_api {
            $(mod $topic { $(#[test] fn $name() { super::super::in_memory(stringify!($name), super::super::$topic::$name); })* })*
        }
    };
}

on_both!(
    objects: [
        an_object_lives,
        what_is_not_there_is_not_found,
        a_name_is_taken_once,
        names_are_generated,
        names_and_bodies_are_checked,
        a_stale_write_is_a_conflict,
        unknown_fields_are_refused_when_asked,
        a_dry_run_writes_nothing,
        secrets_take_plain_text_and_stay_as_they_are,
        what_may_not_change_does_not,
        generations_count_changes_of_the_spec,
        services_are_filled_in,
    ],
    patches: [
        a_merge_patch_removes_with_null,
        a_json_patch_is_done_whole_or_not_at_all,
        a_strategic_patch_finds_items_by_their_key,
        a_patch_that_changes_nothing_writes_nothing,
        a_patch_says_what_it_is,
    ],
    apply: [
        an_apply_makes_and_changes,
        another_manager_is_named_in_a_conflict,
        a_field_given_up_goes,
        a_shared_field_stays_until_the_last_gives_it_up,
        list_items_are_told_apart_by_key,
        sets_and_owners_merge,
        an_apply_that_changes_nothing_writes_nothing,
        an_ordinary_write_takes_a_field_over,
        an_apply_has_preconditions,
        an_apply_of_a_status_leaves_the_rest,
        an_apply_is_judged_by_the_schema,
    ],
    custom: [
        a_schema_refuses_with_causes,
        rules_of_the_definition_refuse,
        unknown_fields_are_pruned,
        status_and_spec_are_written_apart,
        a_replace_names_its_version,
        scale_reads_and_writes_instances,
        definitions_are_served,
    ],
    deletion: [
        a_finalizer_holds_an_object,
        a_delete_has_preconditions,
        a_collection_is_deleted_by_selector,
        a_namespace_takes_its_content_along,
        what_a_delete_answers,
    ],
    collection: [
        children_go_with_their_owner,
        a_child_of_two_owners_stays_with_one,
        a_child_of_nobody_goes,
        orphans_stay,
        a_foreground_delete_waits_for_its_children,
    ],
    reads: [
        lists_are_selected,
        a_selector_that_cannot_be_read_is_refused,
        pages_show_one_moment,
        an_old_page_has_expired,
        metadata_alone_is_enough,
        tables_have_the_columns_kubectl_shows,
        discovery_names_every_kind,
        the_schema_is_published,
    ],
    watches: [
        a_watch_tells_what_comes_changes_and_goes,
        a_watch_goes_on_from_a_version,
        an_object_that_leaves_the_selection_is_deleted_for_the_watch,
        a_watch_begins_with_everything,
        a_watch_of_metadata_and_one_object,
        an_old_watch_has_expired,
        a_watch_ends_when_asked,
    ],
    program: [
        every_verb_of_the_program_means_the_same,
        errors_have_the_same_class,
        a_running_pod_is_resized,
        the_watcher_of_kube_follows,
    ],
);
