//! Where an instance listens, and what makes it trusted.

use std::net::{IpAddr, SocketAddr};

/// Port of Patroni's REST API.
pub const PATRONI_PORT: u16 = 8009;
/// Port of PostgreSQL itself, not of the pooler.
pub const POSTGRES_PORT: u16 = 5432;
/// Port of PgBouncer.
pub const POOLER_PORT: u16 = 6432;

/// One port of one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address of the pod.
    pub address: IpAddr,
    /// Port.
    pub port: u16,
    /// Name that the certificate must be for: `<cluster>.<namespace>`. Pods have no names of their own in it.
    pub server_name: String,
    /// Certificates to trust, in PEM form. `None`: no TLS.
    pub authority: Option<String>,
    /// The same at the port of Patroni, whose certificate is there from the start of the pod, whatever PostgreSQL is told later.
    pub patroni: Option<String>,
}

impl Endpoint {
    /// The same pod at another port.
    #[must_use]
    pub fn at(&self, port: u16) -> Self {
        let authority = if port == PATRONI_PORT { &self.patroni } else { &self.authority };
        Self { port, authority: authority.clone(), ..self.clone() }
    }

    /// The same port without TLS.
    #[must_use]
    pub fn without_tls(&self) -> Self {
        Self { authority: None, patroni: None, ..self.clone() }
    }

    /// Address and port.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.socket().fmt(f)
    }
}
