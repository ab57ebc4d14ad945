//! Why an instance could not be asked.

use std::error::Error;
use std::time::Duration;

/// What a caller decides by; also the closed set of metric labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing answers, or the connection broke.
    Unreachable,
    /// It answers and does not let us in.
    Refused,
    /// The deadline passed.
    TimedOut,
    /// Its certificate is not the one we trust.
    NotTrusted,
    /// It answers something that it should not.
    NotUnderstood,
    /// The server carried the statement out and says that it failed.
    Failed,
}

impl Class {
    /// The word for metrics, logs and conditions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::TimedOut => "timed-out",
            Self::NotTrusted => "not-trusted",
            Self::NotUnderstood => "not-understood",
            Self::Failed => "failed",
        }
    }
}

/// A failed call. No text holds a password; the texts of [`InstanceError::Failed`] may quote a statement, and whoever shows them
/// masks them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// No answer, or the connection broke.
    #[error("cannot reach {address}: {reason}")]
    Unreachable {
        /// Address and port.
        address: String,
        /// What the network said.
        reason: String,
    },
    /// Credentials or address are not accepted.
    #[error("{address} refuses access: {reason}")]
    Refused {
        /// Address and port.
        address: String,
        /// What it said.
        reason: String,
    },
    /// The deadline passed.
    #[error("no answer from {address} within {} ms", deadline.as_millis())]
    TimedOut {
        /// Address and port.
        address: String,
        /// The deadline.
        deadline: Duration,
    },
    /// The certificate is not accepted.
    #[error("the certificate of {address} is not accepted: {reason}")]
    NotTrusted {
        /// Address and port.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else than expected answered.
    #[error("{address} does not answer as {what}: {reason}")]
    NotUnderstood {
        /// Address and port.
        address: String,
        /// What should be there.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// The server says that a statement failed.
    #[error("{address} says {code}: {message}")]
    Failed {
        /// Address and port.
        address: String,
        /// SQLSTATE.
        code: String,
        /// The server's primary message. It may quote the statement.
        message: String,
        /// Where in the statement, counted in characters from 1.
        position: Option<usize>,
    },
}

impl InstanceError {
    /// Its class.
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } => Class::Unreachable,
            Self::Refused { .. } => Class::Refused,
            Self::TimedOut { .. } => Class::TimedOut,
            Self::NotTrusted { .. } => Class::NotTrusted,
            Self::NotUnderstood { .. } => Class::NotUnderstood,
            Self::Failed { .. } => Class::Failed,
        }
    }

    /// What would help.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "look at the pod and at network policies between the controller and it",
            Self::Refused { .. } => "compare the cluster's Secret with the roles of the database, and read pg_hba.conf",
            Self::TimedOut { .. } => "look at the pod: it may be overloaded, stopped or cut off",
            Self::NotTrusted { .. } => "compare the certificate in the pod with the Secret it comes from",
            Self::NotUnderstood { .. } => "look at what listens there, and whether TLS is switched on as the cluster says",
            Self::Failed { .. } => "correct the statement, or what it needs",
        }
    }

    /// Whether the server only asks to come again: it starts, stops, or has no free connection.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            // Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes".
            Self::Failed { code, .. } => matches!(code.as_str(), "53300" | "57P01" | "57P02" | "57P03"),
            _ => false,
        }
    }
}

/// An error with everything below it.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn next<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        match cause.downcast_ref::<std::io::Error>() {
            // `source` of an I/O error skips what it was made from.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => cause.source(),
        }
    }
    std::iter::successors(Some(error), |cause| next(*cause))
}

/// All texts of an error, each once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in causes(error).map(ToString::to_string) {
        if !texts.iter().any(|earlier| earlier.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// What is wrong with the certificate, if that is what went wrong.
pub(super) fn certificate_problem(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|cause| match cause.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::InvalidCertificate(problem)) => Some(problem.to_string()),
        _ => None,
    })
}
