//! A fleet whose repository is behind SSH.

use super::*;
use crate::source::Remote;
use crate::source::ssh::Sshd;
use base64::Engine as _;

/// The key and the keys by which the server is known come from a Secret, which is looked at anew: a server that shows another key is not
/// followed, nothing changes meanwhile, and the status says what to compare.
pub(super) async fn a_push_over_ssh_becomes_a_cluster(server: Server) {
    let Some(sshd) = Sshd::start("a_push_over_ssh_becomes_a_cluster") else { return };
    let mut fleet = Fleet::new(&server, "stackgres-ssh", "revert").await;
    let remote = Remote::new().await;
    std::fs::remove_file(remote.work().join("clusters/orders.yaml")).unwrap();
    remote.push("clusters/a.yaml", &with_work_mem("8MB"), "add a");
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let secret = |known_hosts: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "git", "namespace": "stackgres-ssh"}, "type": "Opaque",
            "data": {"identity": encoded(&sshd.identity()), "known_hosts": encoded(known_hosts)}})
    };
    fleet.apply(secret("example.org ssh-ed25519 AAAA")).await;
    let url = sshd.url(&remote.folder.path().join("served/fleet.git"));
    let git =
        json!({"url": url, "path": "clusters", "interval": "500ms", "timeout": "10s", "credentials": {"secretName": "git", "type": "ssh"}});
    fleet.source(json!({"git": git})).await;
    fleet.start();
    fleet.passes(4).await;
    let message = fleet.fleet().await["status"]["conditions"].to_string();
    assert!(message.contains("host key") && message.contains("known_hosts") && !message.contains("PRIVATE"), "{message}");
    assert!(fleet.clusters().get_opt("a").await.unwrap().is_none(), "nothing of a server that is not known");
    fleet.apply(secret(&sshd.known_hosts())).await;
    fleet.work_mem_becomes("8MB").await;
    remote.push("clusters/a.yaml", &with_work_mem("9MB"), "more memory");
    fleet.work_mem_becomes("9MB").await;
    fleet.stop().await;
}
