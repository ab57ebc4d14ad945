//! Smart HTTP: what is asked, and which answers are one.

use super::http;
use super::session::{Credentials, Exchange};
use super::transport::lock;
use crate::source::SourceError;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use std::sync::Mutex;
use std::time::Duration;
use url::Url;

/// Where to, with which client, as whom.
pub(super) struct HttpWire {
    address: Url,
    credentials: Credentials,
    client: reqwest::Client,
    base: Mutex<Option<Url>>, // the repository's address after a redirect
}

impl HttpWire {
    pub(super) fn new(address: Url, credentials: Credentials, client: reqwest::Client) -> Self {
        Self { address, credentials, client, base: Mutex::default() }
    }

    /// The list of references.
    pub(super) fn advertisement(&self, exchange: &Exchange) -> Result<reqwest::Response, SourceError> {
        let response = self.request(exchange, "info/refs", None)?;
        let mut base = response.url().clone();
        let Some(path) = base.path().strip_suffix("/info/refs").map(str::to_owned) else {
            return Err(exchange.protocol("it redirects to something that is not a repository"));
        };
        base.set_path(&path);
        base.set_query(None);
        *lock(&self.base) = Some(base);
        Ok(response)
    }

    /// What is wanted, and the pack.
    pub(super) fn upload_pack(&self, exchange: &Exchange, body: Vec<u8>) -> Result<reqwest::Response, SourceError> {
        self.request(exchange, "git-upload-pack", Some(body))
    }

    /// The next bytes of an answer; `None` is its end.
    pub(super) fn chunk(exchange: &Exchange, response: &mut reqwest::Response) -> Result<Option<bytes::Bytes>, SourceError> {
        exchange.wait(async { response.chunk().await.map_err(|error| http::failure(&exchange.address, error)) })
    }

    /// Reads and drops the rest of a good answer.
    pub(super) fn drain(exchange: &Exchange, mut response: reqwest::Response, at_most: Duration) {
        if !exchange.has_failed() {
            let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
            let _late = exchange.runtime.block_on(async { tokio::time::timeout(at_most, rest).await });
        }
    }

    fn request(&self, exchange: &Exchange, suffix: &str, body: Option<Vec<u8>>) -> Result<reqwest::Response, SourceError> {
        let mut url = lock(&self.base).as_ref().unwrap_or(&self.address).clone();
        url.set_path(&format!("{}/{suffix}", url.path().trim_end_matches('/')));
        let kind = if body.is_some() { "application/x-git-upload-pack-result" } else { "application/x-git-upload-pack-advertisement" };
        let mut request = if let Some(body) = body {
            self.client.post(url.clone()).header(CONTENT_TYPE, "application/x-git-upload-pack-request").body(body)
        } else {
            url.set_query(Some("service=git-upload-pack"));
            self.client.get(url.clone())
        };
        if url.origin() == self.address.origin() {
            request = match &self.credentials {
                Credentials::None | Credentials::Ssh { .. } => request,
                Credentials::Basic { username, password } => request.basic_auth(username, Some(password.expose())),
                Credentials::Bearer(token) => request.bearer_auth(token.expose()),
            };
        }
        let sending = request.header(ACCEPT, kind).send();
        let response = exchange.wait(async { sending.await.map_err(|error| http::failure(&exchange.address, error)) })?;
        let headers = response.headers();
        let expected = headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes() == kind.as_bytes());
        let address = exchange.address.clone();
        match response.status().as_u16() {
            200 if expected && !headers.contains_key(CONTENT_ENCODING) => Ok(response),
            200 => Err(exchange.protocol("the answer has another content type")),
            401 | 403 => Err(SourceError::Unauthorized { address, sent: self.credentials.is_some() }),
            404 | 410 => Err(SourceError::RepositoryNotFound { address }),
            status => Err(SourceError::Status { address, status }),
        }
    }
}
