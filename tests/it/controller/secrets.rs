//! Secrets that are made and kept without any instance. What instances do with them is a matter of real pods.

use super::*;

fn text(secret: &DynamicObject, key: &str) -> String {
    use base64::Engine as _;
    let encoded = secret.data["data"][key].as_str().unwrap_or_else(|| panic!("no {key}"));
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()).unwrap()
}

/// A cluster must not begin with a password that nobody gave, and not be lost for a certificate that can be made again.
pub(super) async fn given_credentials_are_waited_for_and_certificates_made_again(server: Server) {
    let mut fleet = Fleet::new(&server, "stackgres-secrets", "revert").await;
    fleet.cluster("a", "  configurations: {credentials: {users: {superuser: {password: {name: mine, key: p}}}}}\n");
    fleet.start();
    fleet.passes(3).await;
    let waiting = fleet.get("a").await["status"]["waiting"]["for"].as_str().unwrap().to_owned();
    assert!(waiting.contains("there is no Secret mine"), "{waiting}");
    let secrets = fleet.api("v1", "Secret");
    assert!(secrets.get_opt("a").await.unwrap().is_none(), "nothing is made before");
    assert!(fleet.api("apps/v1", "StatefulSet").get_opt("a").await.unwrap().is_none());

    let mine = |password: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine", "namespace": "stackgres-secrets"}, "stringData": {"p": password}});
    fleet.apply(mine("line\nbreak")).await;
    fleet.passes(3).await;
    assert!(fleet.get("a").await["status"]["waiting"]["for"].as_str().unwrap().contains("ASCII"));
    fleet.apply(mine("a \"b")).await;
    fleet.passes(4).await;
    let own = secrets.get("a").await.unwrap();
    assert_eq!(text(&own, "superuser-password"), "a \"b");
    assert!(text(&own, "patroni.yml").contains("a \\\"b"));
    let binding = secrets.get("a-binding").await.unwrap();
    assert_eq!(text(&binding, "uri"), "postgresql://postgres:a%20%22b@a.stackgres-secrets:5432/postgres");
    drop(fleet.api("apps/v1", "StatefulSet").get("a").await.unwrap());

    // The certificate is lost, its authority is not: clients notice nothing.
    let (first, authority) = (secrets.get("a-ssl").await.unwrap(), secrets.get("a-ssl-authority").await.unwrap());
    drop(secrets.delete("a-ssl", &kube::api::DeleteParams::default()).await.unwrap());
    fleet.passes(3).await;
    let second = secrets.get("a-ssl").await.unwrap();
    assert_ne!(text(&second, "tls.crt"), text(&first, "tls.crt"));
    assert_eq!(text(&second, "ca.crt"), text(&first, "ca.crt"));
    assert_eq!(stackgres::health::pair_problem(&text(&second, "tls.crt"), &text(&second, "tls.key")), None);
    // The authority is lost: clients hold both before the new one signs.
    drop(secrets.delete("a-ssl-authority", &kube::api::DeleteParams::default()).await.unwrap());
    fleet.passes(3).await;
    let third = secrets.get("a-ssl").await.unwrap();
    assert_eq!(text(&third, "tls.crt"), text(&second, "tls.crt"));
    assert!(text(&third, "ca.crt").contains(text(&authority, "ca.crt").trim()));
    assert!(text(&third, "ca.crt").contains(text(&secrets.get("a-ssl-authority").await.unwrap(), "ca.crt").trim()));
    assert_eq!(condition(&fleet.get("a").await, "CertificateValid").0, "True");

    // Somebody else's Secret of our name is not touched.
    let foreign = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b-ssl", "namespace": "stackgres-secrets"}, "stringData": {"x": "y"}});
    fleet.apply(foreign).await;
    fleet.cluster("b", "");
    fleet.passes(3).await;
    let refused = fleet.get("b").await;
    assert_eq!(condition(&refused, "Stalled").0, "True");
    assert!(refused["status"]["conditions"].to_string().contains("Secret stackgres-secrets/b-ssl exists"), "{}", refused["status"]);
    assert!(secrets.get("b-ssl").await.unwrap().data["data"]["tls.crt"].is_null());
    fleet.stop().await;
}
