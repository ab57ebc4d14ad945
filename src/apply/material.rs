//! Random passwords and certificates.

use crate::model::Object;
use crate::render::{GeneratedSecret, Material};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt as _;
use rand::distr::Alphanumeric;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::json;
use std::collections::BTreeMap;

/// The Secret with everything random made now. A certificate that cannot be made leaves its entries empty, which the caller's
/// create would show at once; key generation with a working random source does not fail.
///
/// `copied` holds the value of each entry that comes from another Secret.
pub fn make(secret: &GeneratedSecret, copied: &BTreeMap<String, String>) -> Object {
    let mut entries: BTreeMap<&str, String> = BTreeMap::new();
    let mut certificate: Option<(String, String, String)> = None;
    for (key, material) in &secret.entries {
        let value = match material {
            Material::Text(text) => text.clone(),
            Material::Password(length) => rand::rng().sample_iter(Alphanumeric).take(*length).map(char::from).collect(),
            Material::Certificate { names, days } => {
                let made = certificate_for(&secret.name, names, *days).unwrap_or_default();
                let chain = made.0.clone();
                certificate = Some(made);
                chain
            }
            Material::Copied { .. } => copied.get(key).cloned().unwrap_or_default(),
            Material::Composed(_) | Material::PrivateKey | Material::Authority => continue,
        };
        entries.insert(key, value);
    }
    for (key, material) in &secret.entries {
        let made = certificate.clone().unwrap_or_default();
        let value = match material {
            Material::PrivateKey => made.1,
            Material::Authority => made.2,
            Material::Composed(template) => entries
                .iter()
                .fold(template.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), &value.replace('"', "\"\""))),
            _ => continue,
        };
        entries.insert(key, value);
    }
    let data: BTreeMap<&str, String> = entries.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
    Object::new(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret.name, "namespace": secret.namespace, "labels": secret.labels},
        "data": data,
    }))
}

/// Chain, private key and authority, in PEM form.
fn certificate_for(name: &str, hosts: &[String], days: u32) -> Result<(String, String, String), rcgen::Error> {
    let now = time::OffsetDateTime::now_utc();
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, format!("{name} authority"));
    authority.not_before = now - time::Duration::hours(1);
    authority.not_after = now + time::Duration::days(3_650);
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;

    let mut leaf = CertificateParams::new(hosts.to_vec())?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    // Strict clients (Python 3.13 by default) want to see whose key signed it and what it is for (RFC 5280, 4.2.1.1 and 4.2.1.3).
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.not_before = now - time::Duration::hours(1);
    leaf.not_after = now + time::Duration::days(i64::from(days));
    let leaf_key = KeyPair::generate()?;
    let issuer = Issuer::new(authority, authority_key);
    let certificate = leaf.signed_by(&leaf_key, &issuer)?;
    let authority_pem = authority_certificate.pem();
    Ok((format!("{}{authority_pem}", certificate.pem()), leaf_key.serialize_pem(), authority_pem))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new password beside the source's data would lock every client out, and replication.
    #[test]
    fn what_is_copied_is_the_source_s() {
        let copied = Material::Copied { secret: "source".to_owned(), key: "p".to_owned() };
        let entries = [("a".to_owned(), copied), ("b".to_owned(), Material::Composed("\"x\" \"{a}\"".to_owned()))];
        let secret = GeneratedSecret { namespace: "n".to_owned(), name: "s".to_owned(), labels: BTreeMap::new(), entries: entries.into() };
        let made = make(&secret, &[("a".to_owned(), "se\"cret".to_owned())].into());
        assert_eq!(made.secret_text("a").as_deref(), Some("se\"cret"));
        assert_eq!(made.secret_text("b").as_deref(), Some("\"x\" \"se\"\"cret\""), "the pooler's file doubles quotes");
    }

    #[test]
    fn passwords_differ_and_composed_entries_hold_them() {
        let entries = [
            ("a".to_owned(), Material::Password(32)),
            ("b".to_owned(), Material::Composed("\"x\" \"{a}\"".to_owned())),
            ("tls.crt".to_owned(), Material::Certificate { names: vec!["a.b.svc".to_owned()], days: 90 }),
            ("tls.key".to_owned(), Material::PrivateKey),
            ("ca.crt".to_owned(), Material::Authority),
        ];
        let secret = GeneratedSecret { namespace: "n".to_owned(), name: "s".to_owned(), labels: BTreeMap::new(), entries: entries.into() };
        let read = |object: &Object, key: &str| {
            String::from_utf8(STANDARD.decode(object.get("/data").unwrap()[key].as_str().unwrap()).unwrap()).unwrap()
        };
        let (one, two) = (make(&secret, &BTreeMap::new()), make(&secret, &BTreeMap::new()));
        assert_eq!(read(&one, "a").len(), 32);
        assert_ne!(read(&one, "a"), read(&two, "a"));
        assert_eq!(read(&one, "b"), format!("\"x\" \"{}\"", read(&one, "a")));
        assert_eq!(read(&one, "tls.crt").matches("BEGIN CERTIFICATE").count(), 2);
        assert!(read(&one, "tls.key").contains("PRIVATE KEY") && read(&one, "ca.crt").contains("BEGIN CERTIFICATE"));
    }
}
