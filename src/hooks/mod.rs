//! Webhooks of forges: a push says "look again".
//!
//! In: deliveries of GitHub, GitLab, Gitea and Forgejo. Out: fleets that follow the repository are asked to look at it now. Invariant:
//! nothing in a delivery is believed but that its sender knows the secret; what is carried out is read from the repository, as at every
//! interval. Why: polling alone is late by its interval; a delivery that is lost costs that interval and nothing else.

mod error;
mod listener;
mod payload;
mod secrets;
mod seen;
mod signature;

pub use error::HookError;
pub use listener::serve;
pub use payload::addresses;
pub use secrets::SecretsFile;
pub use signature::{Refused, verify};

use crate::engine::controller::LookAgain;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use seen::Seen;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Largest body that is read, in bytes. Forges send up to 25 MiB (GitHub) for a push of thousands of commits; such a push is seen at the
/// interval. With [`AT_ONCE`] it bounds the memory.
const LARGEST: usize = 5 << 20;

/// Longest time a body may take.
const BODY: Duration = Duration::from_secs(10);

/// How many deliveries are worked on at once; others wait as long as [`BODY`].
const AT_ONCE: usize = 4;

/// Takes deliveries.
pub struct Hooks {
    secrets: SecretsFile,
    look_again: LookAgain,
    clock: fn() -> Timestamp,
    seen: Mutex<Seen>,
    places: Semaphore,
}

impl Hooks {
    /// Takes deliveries that are signed with a secret of this file.
    pub fn new(secrets: SecretsFile, look_again: LookAgain, clock: fn() -> Timestamp) -> Self {
        Self { secrets, look_again, clock, seen: Mutex::default(), places: Semaphore::new(AT_ONCE) }
    }

    async fn take(&self, headers: &HeaderMap, body: Body) -> Result<Answer, Answer> {
        let place = tokio::time::timeout(BODY, self.places.acquire()).await;
        let _place =
            place.ok().and_then(Result::ok).ok_or(Answer(StatusCode::SERVICE_UNAVAILABLE, "too many deliveries at once".into()))?;
        let read = tokio::time::timeout(BODY, axum::body::to_bytes(body, LARGEST)).await;
        let read = read.map_err(|_| Answer(StatusCode::REQUEST_TIMEOUT, "the body did not come within 10 seconds".into()))?;
        let body = read.map_err(|_| Answer(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 5 MiB, or broke off".into()))?;
        let secrets = self.secrets.read().await.map_err(|error| {
            tracing::error!(%error, "a webhook cannot be checked");
            Answer(StatusCode::SERVICE_UNAVAILABLE, "the secret cannot be read here".into())
        })?;
        let now = (self.clock)();
        signature::verify(headers, &body, &secrets, now).map_err(|refused| Answer(StatusCode::UNAUTHORIZED, refused.to_string()))?;
        if !is_json(headers) {
            return Err(Answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, "set the content type of the webhook to application/json".into()));
        }
        match payload::event(headers) {
            payload::Event::Push => {}
            payload::Event::Ping => return Ok(Answer(StatusCode::OK, "the secret is right".into())),
            // An answer other than a success makes a forge switch the webhook off.
            payload::Event::Other => return Ok(Answer(StatusCode::OK, "not a push: nothing to do".into())),
        }
        let addresses =
            payload::addresses(&body).map_err(|error| Answer(StatusCode::BAD_REQUEST, format!("the body is no push event: {error}")))?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        if self.seen().knows(&digest, now) {
            return Ok(Answer(StatusCode::OK, "delivered before".into()));
        }
        let fleets = self.look_again.ask(&addresses, now).await.map_err(|error| {
            tracing::warn!(%error, "a push could not be passed on");
            Answer(StatusCode::SERVICE_UNAVAILABLE, "the API server cannot be reached; the push is seen at the next interval".into())
        })?;
        self.seen().note(digest, now);
        tracing::info!(fleets, "a push was delivered");
        Ok(Answer(StatusCode::ACCEPTED, format!("fleets that look at the repository now: {fleets}")))
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sender reads.
struct Answer(StatusCode, String);

/// The one route.
fn router(hooks: Arc<Hooks>) -> Router {
    Router::new().route("/webhook", post(delivered)).with_state(hooks)
}

async fn delivered(State(hooks): State<Arc<Hooks>>, headers: HeaderMap, body: Body) -> Response {
    let Answer(status, message) = hooks.take(&headers, body).await.unwrap_or_else(|refused| {
        tracing::info!(status = refused.0.as_u16(), why = refused.1, "a delivery was refused");
        refused
    });
    (status, [(header::CACHE_CONTROL, "no-store")], Json(json!({"message": message}))).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
