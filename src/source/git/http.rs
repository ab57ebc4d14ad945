//! The HTTP client of a source and what its failures mean.

use super::{GitSettings, Proxy};
use crate::source::SourceError;
use crate::source::describe::tame;
use std::error::Error;
use std::time::Duration;

/// Longest time for name look-up, connection and TLS handshake; the deadline of the caller holds beside it.
const CONNECT: Duration = Duration::from_secs(15);
/// Connections are not watched between two polls, so an old one is not trusted.
const IDLE: Duration = Duration::from_secs(5);
/// Redirects within one host.
const REDIRECTS: usize = 5;

/// Redirects stay within the origin, the environment names no proxy, content is not decoded.
pub(super) fn client(settings: &GitSettings) -> Result<reqwest::Client, SourceError> {
    // Building a client panics when no provider is installed; a second installation is an error of no interest.
    drop(rustls::crypto::ring::default_provider().install_default());
    let same_origin = reqwest::redirect::Policy::custom(|hop| {
        let from = hop.previous();
        let same = from.first().is_some_and(|first| first.origin() == hop.url().origin());
        if same && from.len() <= REDIRECTS { hop.follow() } else { hop.error("redirect refused") }
    });
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("git/2 stackgres/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(same_origin)
        .referer(false)
        .no_proxy();
    if let Some(bundle) = &settings.certificate_authority {
        builder = builder.tls_certs_merge(certificates(bundle)?);
    }
    if let Some(proxy) = &settings.proxy {
        builder = builder.proxy(checked_proxy(proxy)?);
    }
    builder.build().map_err(|error| {
        let hint = "install the system's CA certificates in the image, or give a CA bundle for this source";
        SourceError::refused(format!("no HTTP client can be made: {}", chain(&error)), hint)
    })
}

fn certificates(bundle: &str) -> Result<Vec<reqwest::Certificate>, SourceError> {
    let hint = "give one or more certificates in PEM form (-----BEGIN CERTIFICATE-----)";
    match reqwest::Certificate::from_pem_bundle(bundle.as_bytes()) {
        Ok(certificates) if certificates.is_empty() => Err(SourceError::refused("the CA bundle holds no certificate", hint)),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(SourceError::refused(format!("the CA bundle cannot be read: {}", chain(&error)), hint)),
    }
}

fn checked_proxy(proxy: &Proxy) -> Result<reqwest::Proxy, SourceError> {
    let hint = "write http://HOST:PORT or https://HOST:PORT, with credentials beside it";
    let refuse = |reason: &str| SourceError::refused(reason, hint);
    let url = url::Url::parse(&proxy.address).map_err(|_| refuse("the proxy address cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("the proxy address is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("the proxy address holds credentials"));
    }
    let made = reqwest::Proxy::all(url).map_err(|_| refuse("the proxy address cannot be used"))?;
    Ok(match &proxy.credentials {
        Some((username, password)) => made.basic_auth(username, password.expose()),
        None => made,
    })
}

/// What a failed request means.
pub(super) fn failure(address: &str, error: reqwest::Error) -> SourceError {
    let address = address.to_owned();
    if error.is_redirect() {
        let hint = "set the address the server redirects to, if it is the right one; credentials go to the configured host only";
        return SourceError::refused(format!("{address} redirects to another host, or for ever"), hint);
    }
    let error = error.without_url();
    match certificate_problem(&error) {
        Some(reason) => SourceError::Certificate { address, reason },
        None => SourceError::Unreachable { address, reason: chain(&error) },
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn next<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        match cause.downcast_ref::<std::io::Error>() {
            // `source` of an I/O error skips what it was made from.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => cause.source(),
        }
    }
    std::iter::successors(Some(error), |cause| next(*cause))
}

fn certificate_problem(error: &reqwest::Error) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(problem)) => Some(tame(&problem.to_string())),
        _ => None,
    })
}

/// The error with all its causes, once.
fn chain(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in causes(error).map(|cause| tame(&cause.to_string())) {
        if !texts.iter().any(|earlier| earlier.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}
