//! A certificate, as its Secret holds it.

use crate::model::Digest;
use jiff::Timestamp;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde_json::json;
use std::collections::BTreeSet;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// What is known of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Serial number in hexadecimal digits.
    pub serial: String,
    /// First moment it is valid at.
    pub begins: Timestamp,
    /// Last moment it is valid at.
    pub ends: Timestamp,
    /// Host names and addresses it is for.
    pub names: BTreeSet<String>,
    /// Short digest of the whole certificate: what tells two of one serial number apart.
    pub fingerprint: String,
}

impl CertificateFacts {
    /// Whole days until it ends; negative when it has.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.ends.as_second() - now.as_second()).div_euclid(86_400)
    }
}

/// Reads the first certificate of a text in PEM form.
pub fn read_certificate(pem: &str) -> Result<CertificateFacts, String> {
    let first = CertificateDer::pem_slice_iter(pem.as_bytes()).next();
    match first {
        Some(Ok(der)) => read_der(&der),
        Some(Err(_)) | None => Err("it holds no certificate in PEM form".to_owned()),
    }
}

/// Reads one certificate in DER form.
pub fn read_der(der: &[u8]) -> Result<CertificateFacts, String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("it holds no X.509 certificate: {error}");
    let (_, certificate) = X509Certificate::from_der(der).map_err(|error| unreadable(&error))?;
    let moment = |seconds: i64| Timestamp::from_second(seconds).map_err(|error| unreadable(&error));
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|extension| &extension.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    Ok(CertificateFacts {
        serial: certificate.raw_serial_as_string().replace(':', ""),
        begins: moment(certificate.validity().not_before.timestamp())?,
        ends: moment(certificate.validity().not_after.timestamp())?,
        names: names.collect(),
        fingerprint: Digest::of(&json!(der)).short().to_owned(),
    })
}

/// The certificates of a text in PEM form, each as a text of its own.
pub fn split_certificates(pem: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    let parts = pem.split_inclusive(END);
    parts.filter_map(|part| Some(format!("{}\n", &part[part.find("-----BEGIN CERTIFICATE-----")?..]))).collect()
}

/// Why a server could not serve this certificate with this key.
pub fn pair_problem(chain: &str, key: &str) -> Option<String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let chain = match chain {
        Ok(chain) if !chain.is_empty() => chain,
        _ => return Some("the certificate is not in PEM form".to_owned()),
    };
    let Ok(key) = PrivateKeyDer::from_pem_slice(key.as_bytes()) else {
        return Some("the private key is not in PEM form, or it is encrypted: no server here can ask for its password".to_owned());
    };
    match CertifiedKey::from_der(chain, key, &default_provider()) {
        Ok(_) => None,
        Err(rustls::Error::InconsistentKeys(_)) => Some("the private key does not belong to the certificate".to_owned()),
        Err(error) => Some(format!("certificate and private key cannot be used: {error}")),
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| core::net::Ipv4Addr::from(bytes).to_string()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|bytes| core::net::Ipv6Addr::from(bytes).to_string()),
        _ => None,
    }
}
