//! Which certificate a server serves: the proof that it was reloaded. What PostgreSQL says of itself (`pg_settings`) is the name of a
//! file, not what was read from it (source: dba-rules, 13: measured).

use super::endpoint::Endpoint;
use super::error::InstanceError;
use super::limits::Limits;
use super::tls::curious;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greeting {
    /// At once: Patroni's REST API.
    Tls,
    /// After a request in PostgreSQL's protocol: PostgreSQL and PgBouncer. Source: PostgreSQL documentation, "SSL Session Encryption".
    Postgres,
}

/// The server's certificate in DER form, whose private key it proved to have. Whom it belongs to is not looked at.
pub async fn served_certificate(limits: &Limits, endpoint: &Endpoint, greeting: Greeting) -> Result<Vec<u8>, InstanceError> {
    limits.call(endpoint, look(endpoint, greeting)).await
}

async fn look(endpoint: &Endpoint, greeting: Greeting) -> Result<Vec<u8>, InstanceError> {
    let unreachable = |error: std::io::Error| InstanceError::Unreachable { address: endpoint.to_string(), reason: error.to_string() };
    let not_trusted = |reason: String| InstanceError::NotTrusted { address: endpoint.to_string(), reason };
    let mut stream = TcpStream::connect(endpoint.socket()).await.map_err(unreachable)?;
    if greeting == Greeting::Postgres {
        // Length 8 and the code 1234 5679.
        stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await.map_err(unreachable)?;
        let mut answer = [0];
        stream.read_exact(&mut answer).await.map_err(unreachable)?;
        if answer != *b"S" {
            return Err(not_trusted("it offers no TLS".to_owned()));
        }
    }
    let connector = tokio_rustls::TlsConnector::from(Arc::new(curious().map_err(not_trusted)?));
    let name = ServerName::try_from(endpoint.server_name.clone()).map_err(|error| not_trusted(error.to_string()))?;
    let stream = connector.connect(name, stream).await.map_err(unreachable)?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    certificate.map(|certificate| certificate.to_vec()).ok_or_else(|| not_trusted("it shows no certificate".to_owned()))
}
