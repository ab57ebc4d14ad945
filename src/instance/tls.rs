//! TLS for the PostgreSQL protocol.
//!
//! Own glue over `tokio-rustls`, which is in the tree already: the one kept crate for this (tokio-postgres-rustls 0.14, MIT) brings
//! a certificate parser and a second generation of its libraries for channel binding alone. Channel binding guards against a
//! server with a certificate that the client trusts by mistake; here the authority is the cluster's own.

use super::endpoint::Endpoint;
use super::error::InstanceError;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};

/// A client that trusts these certificates, what they signed, and no others.
pub(super) fn configuration(endpoint: &Endpoint, authority: &str) -> Result<ClientConfig, InstanceError> {
    let refuse = |reason: String| InstanceError::NotTrusted { address: endpoint.to_string(), reason };
    let listed: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(authority.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| refuse("what shall be trusted is no certificate in PEM form".to_owned()))?;
    let mut roots = RootCertStore::empty();
    for certificate in &listed {
        roots.add(certificate.clone()).map_err(|error| refuse(format!("what shall be trusted cannot be used: {error}")))?;
    }
    if roots.is_empty() {
        return Err(refuse("nothing is given that shall be trusted".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let webpki = webpki.build().map_err(|error| refuse(error.to_string()))?;
    client(provider, Trust::Listed { listed, webpki }).map_err(refuse)
}

/// A client that takes every certificate whose key the server has: for looking at it.
pub(super) fn curious() -> Result<ClientConfig, String> {
    client(Arc::new(rustls::crypto::ring::default_provider()), Trust::Any)
}

fn client(provider: Arc<CryptoProvider>, trust: Trust) -> Result<ClientConfig, String> {
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier { trust, algorithms })).with_no_client_auth())
}

/// Whom to trust. That the server has the certificate's key is looked at in any case.
#[derive(Debug)]
enum Trust {
    /// Everybody.
    Any,
    /// The very certificates that are listed, and what they signed for the name that is asked for.
    Listed { listed: Vec<CertificateDer<'static>>, webpki: Arc<WebPkiServerVerifier> },
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

type Signed = Result<HandshakeSignatureValid, rustls::Error>;

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.trust {
            Trust::Listed { listed, webpki } if listed.iter().all(|listed| listed != end_entity) => {
                webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(&self, message: &[u8], cert: &CertificateDer<'_>, dss: &DigitallySignedStruct) -> Signed {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(&self, message: &[u8], cert: &CertificateDer<'_>, dss: &DigitallySignedStruct) -> Signed {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Makes TLS connections for `tokio-postgres`.
#[derive(Clone)]
pub(super) struct MakeTls(pub(super) Arc<ClientConfig>);

impl MakeTlsConnect<Socket> for MakeTls {
    type Stream = Stream;
    type TlsConnect = Connect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Connect, io::Error> {
        let name = ServerName::try_from(domain.to_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Connect { connector: tokio_rustls::TlsConnector::from(self.0.clone()), name })
    }
}

/// One handshake to make.
pub(super) struct Connect {
    connector: tokio_rustls::TlsConnector,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Connect {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, stream: Socket) -> Self::Future {
        Box::pin(async move { Ok(Stream(self.connector.connect(self.name, stream).await?)) })
    }
}

/// An encrypted connection.
pub(super) struct Stream(tokio_rustls::client::TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
