//! `git http-backend` behind HTTPS, with knobs for everything that goes wrong in practice, and a proxy before it.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine as _;
use futures::StreamExt as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the server misbehaves.
#[derive(Debug, Clone, Default)]
pub(crate) enum Mood {
    /// Not at all.
    #[default]
    Good,
    /// Wants this `Authorization` header.
    Wants(String),
    /// Answers everything with a status.
    Status(u16),
    /// Answers with a web page.
    Page,
    /// Sends everybody elsewhere.
    Redirect(String),
    /// Repeats the `Authorization` header in the error of the Git protocol.
    Reflect,
    /// Never answers.
    Silent,
    /// Ends the connection after so many bytes of a pack.
    Cut(usize),
    /// Lists references for ever.
    Endless,
    /// Sends one byte of the list of references every so often, and never all.
    Drip(Duration),
    /// Sends everybody to the same place again.
    Circle,
    /// Lists what there is, and sends another pack than was asked for.
    Pack(Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
    pub(crate) mood: Arc<Mutex<Mood>>,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Tls {
    listener: TcpListener,
    acceptor: tokio_rustls::TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = tokio_rustls::server::TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, peer) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Server {
    /// Serves the repositories below a folder.
    pub(crate) async fn start(root: &Path) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let authority = parameters.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mood, requests) = (Arc::<Mutex<Mood>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (root, moods, seen) = (root.to_owned(), mood.clone(), requests.clone());
        let router = axum::Router::new().fallback(move |request: Request| {
            let (root, mood) = (root.clone(), moods.lock().unwrap().clone());
            seen.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
            async move { answer(&root, mood, request).await }
        });
        let tls = Tls { listener, acceptor: Arc::new(config).into() };
        let task = tokio::spawn(async move { axum::serve(tls, router).await.unwrap() });
        Self { address, authority: authority.pem(), mood, requests, task }
    }

    pub(crate) fn url(&self, repository: &str) -> String {
        format!("https://localhost:{}/{repository}", self.address.port())
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// How a list of references begins.
const SERVICE: &str = "001e# service=git-upload-pack\n0000";

fn advertisement(body: Body) -> Response<Body> {
    Response::builder().header("content-type", "application/x-git-upload-pack-advertisement").body(body).unwrap()
}

/// An answer with another pack in it, in the packets of a side band (Git's gitprotocol-pack, "Packfile Data").
fn with_pack(answer: &[u8], pack: &[u8]) -> Vec<u8> {
    let Some(begin) = answer.windows(5).position(|window| window == b"\x01PACK") else { return answer.to_vec() };
    let mut answer = answer[..begin - 4].to_vec();
    for chunk in pack.chunks(60_000) {
        answer.extend(format!("{:04x}\u{1}", chunk.len() + 5).into_bytes());
        answer.extend(chunk);
    }
    answer.extend(b"0000");
    answer
}

async fn answer(root: &PathBuf, mood: Mood, request: Request) -> Response<Body> {
    let plain = |status: u16| Response::builder().status(status).body(Body::empty()).unwrap();
    let (mut cut, mut another) = (usize::MAX, None);
    match mood {
        Mood::Good => {}
        Mood::Wants(wanted) if request.headers().get("authorization").is_some_and(|given| given == wanted.as_str()) => {}
        Mood::Wants(_) => return plain(401),
        Mood::Status(status) => return plain(status),
        Mood::Page => return Response::builder().header("content-type", "text/html").body("<h1>hello</h1>".into()).unwrap(),
        Mood::Redirect(to) => return Response::builder().status(302).header("location", to).body(Body::empty()).unwrap(),
        Mood::Reflect => {
            let given = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("nothing");
            let line = format!("ERR go away with {given}\n");
            let body = format!("001e# service=git-upload-pack\n0000{:04x}{line}", line.len() + 4);
            return Response::builder().header("content-type", "application/x-git-upload-pack-advertisement").body(body.into()).unwrap();
        }
        Mood::Silent => tokio::time::sleep(Duration::from_secs(30)).await,
        Mood::Cut(after) => cut = after,
        Mood::Circle => {
            let to = request.uri().to_string();
            return Response::builder().status(302).header("location", to).body(Body::empty()).unwrap();
        }
        Mood::Endless => {
            let line = |number: usize| {
                let text = format!("{:040x} refs/heads/{}\n", number + 1, "x".repeat(60_000));
                format!("{:04x}{text}", text.len() + 4)
            };
            let lines = futures::stream::iter(0..).map(move |number| Ok::<_, std::io::Error>(line(number)));
            return advertisement(Body::from_stream(futures::stream::once(async { Ok(SERVICE.to_owned()) }).chain(lines)));
        }
        Mood::Drip(pause) => {
            // A line that is announced to be long.
            let bytes = futures::stream::unfold(0, move |at| async move {
                tokio::time::sleep(pause).await;
                let byte = SERVICE.bytes().chain(*b"fff0").nth(at).unwrap_or(b'a');
                Some((Ok::<_, std::io::Error>(vec![byte]), at + 1))
            });
            return advertisement(Body::from_stream(bytes));
        }
        Mood::Pack(pack) => another = Some(pack),
    }
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    tokio::spawn(async move {
        drop(input.write_all(&body).await);
    });
    let output = child.wait_with_output().await.unwrap().stdout;
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").expect("a header of the backend");
    let mut response = Response::builder();
    let mut status = StatusCode::OK;
    let mut headers = HeaderMap::new();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            status = value.split(' ').next().unwrap().parse().unwrap();
        } else {
            headers.insert(axum::http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
    }
    let content = &output[end + 4..];
    let is_pack = parts.method == "POST";
    *response.headers_mut().unwrap() = headers;
    let content = if is_pack { &content[..content.len().min(cut)] } else { content };
    let content = another.filter(|_| is_pack).map_or_else(|| content.to_vec(), |pack| with_pack(content, &pack));
    response.status(status).body(Body::from(content)).unwrap()
}

/// A proxy for CONNECT that counts; wants no credentials.
pub(crate) async fn proxy() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = count.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let counter = counter.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                let line = String::from_utf8_lossy(&head).lines().next().unwrap().to_owned();
                let port = line.split([' ', ':']).nth(2).unwrap().parse::<u16>().unwrap();
                assert!(line.starts_with("CONNECT localhost:"), "{line}");
                counter.fetch_add(1, Ordering::Relaxed);
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
            });
        }
    });
    (address, count)
}
