//! Patroni's REST API over TLS and with credentials, against a server of this test.

use stackgres::apply::{make_authority, sign};
use stackgres::health::{read_certificate, read_der};
use stackgres::instance::{Class, Endpoint, Greeting, Limits, Login, Patroni, Purpose, Session, served_certificate};
use stackgres::model::{InstanceRole, SecretText};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Answers every request with the same, and gives back what the last one said.
struct Server {
    endpoint: Endpoint,
    heard: Arc<std::sync::Mutex<String>>,
    certificate: String,
}

async fn server(status: &'static str, body: &'static str) -> Server {
    drop(rustls::crypto::ring::default_provider().install_default());
    let authority = make_authority("one", 10).unwrap();
    let made = sign(&authority, "one", &["one.db".to_owned()], 10).unwrap();
    let chain = CertificateDer::pem_slice_iter(made.certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(std::sync::Mutex::new(String::new()));
    let hears = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut buffer = vec![0; 4_096];
            let length = stream.read(&mut buffer).await.unwrap_or(0);
            *hears.lock().unwrap() = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            let _gone = stream.write_all(answer.as_bytes()).await;
            let _gone = stream.shutdown().await;
        }
    });
    let endpoint = Endpoint {
        address: address.ip(),
        port: address.port(),
        server_name: "one.db".to_owned(),
        authority: Some(authority.certificate),
        patroni: None,
    };
    Server { endpoint, heard, certificate: made.certificate }
}

const REPLICA: &str = r#"{"state": "running", "role": "replica", "patroni": {"version": "4.0.7"}}"#;

/// The pod is found by its address and known by the name in its certificate.
#[tokio::test]
async fn patroni_is_asked_over_tls() {
    // A replica that is not ready answers 503 and tells its state all the same.
    let server = server("503 Service Unavailable", REPLICA).await;
    let password = SecretText::new("hunter2");
    let patroni = Patroni::new(Limits::default()).with_credentials("admin", password);
    let report = patroni.report(&server.endpoint).await.unwrap();
    assert_eq!((report.role, report.paused), (Some(InstanceRole::Replica), Some(false)));
    let heard = server.heard.lock().unwrap().to_lowercase();
    assert!(heard.starts_with("get /patroni ") && heard.contains("authorization: basic ywrtaw46ahvudgvymg=="), "{heard}");

    let class = async |endpoint: Endpoint| patroni.report(&endpoint).await.unwrap_err().class();
    let stranger = rcgen::generate_simple_self_signed(vec!["one.db".to_owned()]).unwrap().cert.pem();
    assert_eq!(class(Endpoint { authority: Some(stranger), ..server.endpoint.clone() }).await, Class::NotTrusted);
    assert_eq!(class(Endpoint { server_name: "two.db".to_owned(), ..server.endpoint.clone() }).await, Class::NotTrusted);
    assert_eq!(class(Endpoint { authority: Some("no certificate".to_owned()), ..server.endpoint.clone() }).await, Class::NotTrusted);
}

/// Patroni carries out what it is asked by name, and a refusal is told with its own words.
#[tokio::test]
async fn patroni_is_asked_to_act() {
    let taken = server("200 OK", "Successfully switched over").await;
    let patroni = Patroni::new(Limits::default()).with_credentials("admin", SecretText::new("hunter2"));
    patroni.switch_over(&taken.endpoint, "a-0", "a-1").await.unwrap();
    let heard = taken.heard.lock().unwrap().clone();
    assert!(heard.starts_with("POST /switchover ") && heard.ends_with(r#"{"candidate":"a-1","leader":"a-0"}"#), "{heard}");
    patroni.restart(&taken.endpoint, true).await.unwrap();
    assert!(taken.heard.lock().unwrap().ends_with(r#"{"restart_pending":true}"#));
    patroni.restart(&taken.endpoint, false).await.unwrap();
    assert!(taken.heard.lock().unwrap().ends_with("\r\n\r\n{}"));

    let refused = server("412 Precondition Failed", "candidate name does not match with sync_standby").await;
    let error = patroni.switch_over(&refused.endpoint, "a-0", "a-1").await.unwrap_err();
    assert!(error.class() == Class::Failed && error.to_string().contains("412") && error.to_string().contains("sync_standby"), "{error}");
}

/// A certificate of the user's own need not be for our names: the very one that was put there is trusted, and no other.
#[tokio::test]
async fn a_listed_certificate_is_trusted_as_it_is() {
    let server = server("200 OK", REPLICA).await;
    let listed = |certificate: &str| Endpoint {
        server_name: "elsewhere.db".to_owned(),
        authority: Some(certificate.to_owned()),
        ..server.endpoint.clone()
    };
    let patroni = Patroni::new(Limits::default());
    assert!(patroni.report(&listed(&server.certificate)).await.is_ok());
    let authority = make_authority("one", 10).unwrap();
    let other = sign(&authority, "one", &["elsewhere.db".to_owned()], 10).unwrap();
    assert_eq!(patroni.report(&listed(&other.certificate)).await.unwrap_err().class(), Class::NotTrusted);
    let served = served_certificate(&Limits::default(), &listed(&other.certificate), Greeting::Tls).await.unwrap();
    assert_eq!(read_der(&served).unwrap(), read_certificate(&server.certificate).unwrap());
}

#[tokio::test]
async fn answers_that_are_none_have_a_class() {
    let refused = server("401 Unauthorized", "").await;
    let patroni = Patroni::new(Limits::default());
    assert_eq!(patroni.report(&refused.endpoint).await.unwrap_err().class(), Class::Refused);
    let other = server("200 OK", "<html>").await;
    assert_eq!(patroni.report(&other.endpoint).await.unwrap_err().class(), Class::NotUnderstood);
    // An HTTP server is no PostgreSQL, and says nothing of a password.
    let login = Login { user: "postgres".to_owned(), password: SecretText::new("hunter2"), database: "postgres".to_owned() };
    let limits = Limits::new(1, Duration::from_secs(2));
    let error = Session::connect(&limits, &other.endpoint, &login, Purpose::Facts).await.err().unwrap();
    assert!(!matches!(error.class(), Class::Failed | Class::Refused) && !error.to_string().contains("hunter2"), "{error}");
    assert!(!error.hint().is_empty());
}
