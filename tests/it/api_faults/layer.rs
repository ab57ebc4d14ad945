//! A layer of the client that breaks requests, as a seed says, and keeps a list of what it broke. It knows no API server: it works
//! over the in-memory API and over a real one alike.

use super::record::{Injected, Record, Sent};
use super::stream::Spoiled;
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::json;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::watch;
use tower::{Layer, Service};

/// What can go wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Fault {
    /// 409: somebody wrote at the same moment.
    Conflict,
    /// 410: the version that a list goes on from is forgotten.
    Gone,
    /// 429, with a time to come again.
    TooManyRequests,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// No answer, ever.
    Hang,
    /// The connection broke before the request was sent.
    BrokenBefore,
    /// It was carried out, and the connection broke before the answer came.
    BrokenAfter,
    /// A watch ends after a few events.
    WatchDropped,
    /// A watch is told 410 after a few events.
    WatchGone,
    /// A watch cannot be opened: 410.
    WatchRefused,
    /// Events of a watch come twice.
    WatchDuplicated,
    /// Neighbouring events of different objects change places.
    WatchReordered,
    /// The process ended before the request was sent.
    CrashBefore,
    /// The process ended after the request was carried out.
    CrashAfter,
}

impl Fault {
    /// Those of a request that is drawn for.
    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Read => &[Self::TooManyRequests, Self::Internal, Self::Unavailable, Self::Hang, Self::BrokenBefore],
            Kind::List => &[Self::Gone, Self::TooManyRequests, Self::Internal, Self::Unavailable, Self::Hang, Self::BrokenBefore],
            Kind::Write => &[
                Self::Conflict,
                Self::TooManyRequests,
                Self::Internal,
                Self::Unavailable,
                Self::Hang,
                Self::BrokenBefore,
                // Most often, because it alone leaves the two sides with different beliefs.
                Self::BrokenAfter,
                Self::BrokenAfter,
            ],
            Kind::Watch => &[Self::WatchDropped, Self::WatchGone, Self::WatchRefused, Self::WatchDuplicated, Self::WatchReordered],
        }
    }
}

/// Kinds of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    List,
    Write,
    Watch,
}

/// What to break.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) seed: u64,
    /// One in so many requests of the program is broken; 0 breaks none.
    pub(super) one_in: u64,
    /// The same of watches.
    pub(super) one_watch_in: u64,
    /// The requests after which the process ends, by number and whether the request was carried out.
    pub(super) crashes: BTreeMap<u64, bool>,
    /// The process ends at every write whose number has this remainder: remainder, divisor, whether it was carried out.
    pub(super) crash_writes: Option<(u64, u64, bool)>,
    /// Break the first request that fits in this way, and nothing else: method, a part of the path, the fault.
    pub(super) once: Option<(Method, String, Fault)>,
}

/// The state that all clones of the layer share; it outlives a crashed process.
pub(super) struct Faults {
    state: Mutex<State>,
    /// Number of crashes so far; a process ends when it sees another number than at its beginning.
    pub(super) crashes: watch::Sender<u64>,
}

struct State {
    plan: Plan,
    /// Requests of the program so far, watches not counted.
    requests: u64,
    /// Those of them that change something.
    writes: u64,
    seen: BTreeMap<(Method, String), u64>,
    record: Record,
}

impl Faults {
    pub(super) fn new(plan: Plan) -> Arc<Self> {
        let state = State { plan, requests: 0, writes: 0, seen: BTreeMap::new(), record: Record::default() };
        Arc::new(Self { state: Mutex::new(state), crashes: watch::channel(0).0 })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks nothing any more.
    pub(super) fn stop(&self) {
        self.state().plan = Plan::default();
    }

    /// What was broken and sent so far.
    pub(super) fn record(&self) -> Record {
        self.state().record.clone()
    }

    /// Requests of the program so far, and how many of them change something.
    pub(super) fn requests(&self) -> (u64, u64) {
        let state = self.state();
        (state.requests, state.writes)
    }

    /// The fate of a request. Drawn from what it is and how often it was there, not from when: watches and passes run side by side.
    fn draw(&self, method: &Method, uri: &http::Uri) -> (u64, Kind, Option<Fault>) {
        let mut state = self.state();
        let state = &mut *state;
        let query = uri.query().unwrap_or_default();
        let kind = match *method {
            Method::GET if query.contains("watch=true") => Kind::Watch,
            Method::GET if query.contains("limit=") => Kind::List,
            Method::GET => Kind::Read,
            _ => Kind::Write,
        };
        if kind != Kind::Watch {
            state.requests += 1;
        }
        let number = state.requests;
        let seen = state.seen.entry((method.clone(), uri.path().to_owned())).or_default();
        *seen += 1;
        if let Some((wanted, part, fault)) = &state.plan.once {
            let fits = wanted == method && uri.path().contains(part.as_str()) && (kind == Kind::Watch) == fault.is_of_watch();
            let fault = *fault;
            if fits {
                state.plan.once = None;
            }
            return (number, kind, fits.then_some(fault));
        }
        if kind != Kind::Watch
            && let Some(after) = state.plan.crashes.remove(&number)
        {
            let after = after && kind == Kind::Write;
            return (number, kind, Some(if after { Fault::CrashAfter } else { Fault::CrashBefore }));
        }
        if kind == Kind::Write && !query.contains("dryRun=All") {
            state.writes += 1;
            if let Some((remainder, divisor, after)) = state.plan.crash_writes
                && state.writes % divisor == remainder
            {
                return (number, kind, Some(if after { Fault::CrashAfter } else { Fault::CrashBefore }));
            }
        }
        let one_in = if kind == Kind::Watch { state.plan.one_watch_in } else { state.plan.one_in };
        if one_in == 0 {
            return (number, kind, None);
        }
        let mut hasher = DefaultHasher::new();
        (state.plan.seed, method.as_str(), uri.path(), *seen).hash(&mut hasher);
        let drawn = hasher.finish();
        let all = Fault::of(kind);
        let fault = drawn.is_multiple_of(one_in).then(|| all[usize::try_from(drawn / one_in % all.len() as u64).unwrap()]);
        (number, kind, fault)
    }

    fn inject(&self, number: u64, method: &Method, uri: &http::Uri, fault: Fault) {
        let query = uri.query().unwrap_or_default();
        let continued = fault == Fault::Gone && !query.contains("continue=");
        let what = format!("{method} {}{}", uri.path(), if continued { " (first page)" } else { "" });
        self.state().record.injected.push(Injected { number, what, fault });
    }

    fn sent(&self, sent: Sent) {
        self.state().record.sent.push(sent);
    }

    fn crash(&self) {
        self.crashes.send_modify(|count| *count += 1);
    }
}

impl Fault {
    fn is_of_watch(self) -> bool {
        Self::of(Kind::Watch).contains(&self)
    }
}

/// The layer.
#[derive(Clone)]
pub(super) struct FaultLayer(pub(super) Arc<Faults>);

impl<S> Layer<S> for FaultLayer {
    type Service = Faulty<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Faulty { inner, faults: self.0.clone() }
    }
}

/// The service it makes.
#[derive(Clone)]
pub(super) struct Faulty<S> {
    inner: S,
    faults: Arc<Faults>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<axum::body::Body>;

impl<S> Service<Request<Body>> for Faulty<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, faults) = (self.inner.clone(), self.faults.clone());
        Box::pin(carry(inner, faults, request))
    }
}

async fn carry<S>(mut inner: S, faults: Arc<Faults>, request: Request<Body>) -> Result<Answer, BoxError>
where
    S: Service<Request<Body>, Response = Response<Body>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let (number, kind, fault) = faults.draw(&method, &uri);
    if let Some(fault) = fault {
        faults.inject(number, &method, &uri, fault);
    }
    match fault {
        Some(Fault::Conflict) => {
            return Ok(refuse(
                409,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version and try again",
            ));
        }
        Some(Fault::Gone | Fault::WatchRefused) => return Ok(refuse(410, "Expired", "too old resource version")),
        Some(Fault::TooManyRequests) => {
            let mut answer = refuse(429, "TooManyRequests", "too many requests");
            answer.headers_mut().insert("retry-after", http::HeaderValue::from_static("1"));
            return Ok(answer);
        }
        Some(Fault::Internal) => return Ok(refuse(500, "InternalError", "etcdserver: leader changed")),
        Some(Fault::Unavailable) => return Ok(refuse(503, "ServiceUnavailable", "the server is currently unable to handle the request")),
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::BrokenBefore) => return Err("connection refused".into()),
        Some(Fault::CrashBefore) => {
            faults.crash();
            return std::future::pending().await;
        }
        _ => {}
    }
    let (request, body) = if kind == Kind::Write {
        let (parts, body) = request.into_parts();
        let bytes = body.collect_bytes().await?;
        (Request::from_parts(parts, Body::from(bytes.to_vec())), bytes.to_vec())
    } else {
        (request, Vec::new())
    };
    let answer = inner.call(request).await.map_err(Into::into)?;
    let status = answer.status().as_u16();
    if kind == Kind::Write && !uri.query().unwrap_or_default().contains("dryRun=All") {
        faults.sent(Sent { number, method, path: uri.path().to_owned(), status, body });
    }
    match fault {
        Some(Fault::BrokenAfter) => {
            drop(answer);
            Err("connection reset by peer".into())
        }
        Some(Fault::CrashAfter) => {
            drop(answer);
            faults.crash();
            std::future::pending().await
        }
        Some(fault) if fault.is_of_watch() && status == 200 => {
            let (parts, body) = answer.into_parts();
            Ok(Response::from_parts(parts, axum::body::Body::from_stream(Spoiled::lines(axum::body::Body::new(body), fault))))
        }
        _ => Ok(answer.map(axum::body::Body::new)),
    }
}

fn refuse(code: u16, reason: &str, message: &str) -> Answer {
    let status = json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "code": code, "reason": reason, "message": message});
    let builder = Response::builder().status(code).header("content-type", "application/json");
    builder.body(axum::body::Body::from(status.to_string())).unwrap()
}

/// A client of this process over which the layer lies. As the program's own, it tries nothing again by itself.
pub(super) async fn client(faults: &Arc<Faults>, kubeconfig: kube::config::Kubeconfig) -> kube::Client {
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let plain = kube::Client::try_from(config).unwrap();
    let inner = tower::service_fn(move |request| {
        let plain = plain.clone();
        async move { plain.send(request).await }
    });
    kube::Client::new(FaultLayer(faults.clone()).layer(inner), namespace)
}
