//! A fleet that takes signed commits only.

use super::*;
use crate::source::Remote;
use crate::source::signatures::Signers;
use base64::Engine as _;

/// Somebody who may push and may not release: nothing of the commit reaches a cluster, the last trusted one stays in force, and the fleet
/// says whose commit it is and which key signed it. A key that is added to the Secret is taken at the next look.
pub(super) async fn an_untrusted_commit_is_not_released(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-signed", "revert").await;
    let remote = Remote::new().await;
    let signers = Signers::new(&["ada@example.org", "eve@example.org"]);
    let encoded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let keys = |names: &[&str]| {
        let data: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).replace('@', "."), json!(encoded(&signers.public(name))))).collect();
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "signers", "namespace": "stackgres-signed"}, "type": "Opaque", "data": data})
    };
    fleet.apply(keys(&["ada@example.org"])).await;
    let trust = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "stackgres-signed"},
        "data": {"ca.crt": remote.server.authority}});
    fleet.apply(trust).await;
    std::fs::remove_file(remote.work().join("clusters/orders.yaml")).unwrap();
    let push = |work_mem: &str, signer: &str| {
        std::fs::write(remote.work().join("clusters/a.yaml"), with_work_mem(work_mem)).unwrap();
        remote.commit_with(&signers.with(signer), &["-S"]);
    };
    push("8MB", "ada@example.org");
    let policy = json!({"mode": "required", "keys": [{"secretName": "signers"}]});
    let git = json!({"url": remote.server.url("fleet.git"), "path": "clusters", "interval": "500ms", "timeout": "10s",
        "certificateAuthority": {"configMapName": "ca"}, "signaturePolicy": policy});
    fleet.source(json!({"git": git})).await;
    fleet.start();
    fleet.work_mem_becomes("8MB").await;
    // The fleet's status is written last in a pass, after its clusters.
    fleet.passes(2).await;
    let status = fleet.fleet().await["status"].clone();
    let signature = status["seen"]["signature"].as_str();
    assert!(signature.is_some_and(|text| text.starts_with("signed by ada@example.org (ED25519 key SHA256:")), "{status}");

    push("9MB", "eve@example.org");
    let mut said = String::new();
    for _ in 0..100 {
        let live = fleet.fleet().await;
        said = live["status"]["conditions"].to_string();
        if condition(&live, "Ready").1 == "CommitNotTrusted" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(said.contains("signed by an unknown key (ED25519 key SHA256:") && said.contains("Ada"), "{said}");
    fleet.passes(3).await;
    assert_eq!(fleet.work_mem().await.as_deref(), Some("8MB"), "nothing of it is released");

    fleet.apply(keys(&["ada@example.org", "eve@example.org"])).await;
    fleet.work_mem_becomes("9MB").await;
    fleet.stop().await;
}
