//! Makes authorities and certificates.
//!
//! Keys are ECDSA with the curve P-256: every client of the last ten years takes them, and a handshake costs a tenth of one with RSA.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber};

/// A certificate and its private key, both in PEM form.
#[derive(Clone)]
pub struct MadeCertificate {
    /// Certificate; a signed one has its authority behind it.
    pub certificate: String,
    /// Private key.
    pub key: String,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
#[error("no certificate can be made: {0}")]
pub struct CertificateError(#[from] rcgen::Error);

/// An authority of its own, valid for so many days.
pub fn make_authority(name: &str, days: u32) -> Result<MadeCertificate, CertificateError> {
    let mut authority = CertificateParams::new(Vec::<String>::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // The serial in the name: two authorities of one name would be taken for one by programs that look them up by name.
    let serial = serial();
    authority.distinguished_name.push(DnType::CommonName, format!("{name} authority {:08x}", u128::from_be_bytes(serial) >> 96));
    authority.serial_number = Some(SerialNumber::from_slice(&serial));
    valid_for(&mut authority, days);
    let key = KeyPair::generate()?;
    Ok(MadeCertificate { certificate: authority.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// A certificate for these host names, signed by an authority.
pub fn sign(authority: &MadeCertificate, name: &str, hosts: &[String], days: u32) -> Result<MadeCertificate, CertificateError> {
    let mut leaf = CertificateParams::new(hosts.to_vec())?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    // Strict clients (Python 3.13 by default) want to see whose key signed it and what it is for (RFC 5280, 4.2.1.1 and 4.2.1.3).
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.serial_number = Some(SerialNumber::from_slice(&serial()));
    valid_for(&mut leaf, days);
    let key = KeyPair::generate()?;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let certificate = leaf.signed_by(&key, &issuer)?;
    Ok(MadeCertificate { certificate: format!("{}{}", certificate.pem(), authority.certificate), key: key.serialize_pem() })
}

/// An hour back: clocks differ.
fn valid_for(certificate: &mut CertificateParams, days: u32) {
    let now = time::OffsetDateTime::now_utc();
    certificate.not_before = now - time::Duration::hours(1);
    certificate.not_after = now + time::Duration::days(i64::from(days));
}

/// A random serial number: positive, with its first bit set, so that it always has the same length (RFC 5280, 4.1.2.2).
fn serial() -> [u8; 16] {
    let mut serial: [u8; 16] = rand::random();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{pair_problem, read_certificate};

    #[test]
    fn what_is_made_can_be_served_and_read() {
        let authority = make_authority("a", 3_650).unwrap();
        let hosts = ["a.b.svc".to_owned(), "10.0.0.1".to_owned()];
        let (one, two) = (sign(&authority, "a-ssl", &hosts, 90).unwrap(), sign(&authority, "a-ssl", &hosts, 90).unwrap());
        assert_eq!(pair_problem(&one.certificate, &one.key), None);
        assert!(pair_problem(&one.certificate, &two.key).unwrap().contains("does not belong"));
        assert!(pair_problem(&one.certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----").unwrap().contains("encrypted"));
        assert!(pair_problem("", &two.key).unwrap().contains("PEM"));
        let facts = read_certificate(&one.certificate).unwrap();
        assert_eq!(facts.names, hosts.into());
        assert_eq!(facts.serial.len(), 32, "{}", facts.serial);
        assert_ne!(facts.serial, read_certificate(&two.certificate).unwrap().serial);
        assert_eq!(facts.ends.as_second() - facts.begins.as_second(), (90 * 24 + 1) * 3_600);
    }
}
