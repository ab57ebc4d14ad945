//! How long a call may take, and how many may be under way.

use super::endpoint::Endpoint;
use super::error::InstanceError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Shared by all calls of the process.
#[derive(Debug, Clone)]
pub struct Limits {
    places: Arc<Semaphore>,
    /// Longest time of one call, the wait for a place included.
    pub deadline: Duration,
}

impl Limits {
    /// So many calls at once, each with this deadline.
    pub fn new(at_once: usize, deadline: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once)), deadline }
    }

    /// The same places with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// Does one piece of work within the deadline.
    pub(super) async fn call<T>(
        &self,
        endpoint: &Endpoint,
        work: impl Future<Output = Result<T, InstanceError>>,
    ) -> Result<T, InstanceError> {
        let bounded = async {
            // The semaphore is never closed.
            let place = self.places.acquire().await;
            let result = work.await;
            drop(place);
            result
        };
        match tokio::time::timeout(self.deadline, bounded).await {
            Ok(result) => result,
            Err(_) => Err(InstanceError::TimedOut { address: endpoint.to_string(), deadline: self.deadline }),
        }
    }
}

impl Default for Limits {
    /// 32 at once, five seconds each: a healthy instance answers within milliseconds, and Patroni itself waits up to three for
    /// PostgreSQL.
    fn default() -> Self {
        Self::new(32, Duration::from_secs(5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With every place taken by what never answers, another call still ends by its own deadline, so a pass goes on.
    #[tokio::test]
    async fn a_call_without_a_place_ends_by_its_deadline() {
        let patient = Limits::new(2, Duration::from_hours(1));
        let hurried = Limits { deadline: Duration::from_millis(20), ..patient.clone() };
        let endpoint = Endpoint { address: [127, 0, 0, 1].into(), port: 1, server_name: String::new(), authority: None, patroni: None };
        let never = || std::future::pending::<Result<i32, InstanceError>>();
        let holders = futures::future::join(patient.call(&endpoint, never()), patient.call(&endpoint, never()));
        let third = hurried.call(&endpoint, async { Ok(1) });
        let (holders, third) = (std::pin::pin!(holders), std::pin::pin!(third));
        let ended = futures::future::select(holders, third).await;
        let futures::future::Either::Right((answer, _)) = ended else { panic!("what never answers has answered") };
        assert!(matches!(answer, Err(InstanceError::TimedOut { .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn places_are_given_back() {
        let limits = Limits::new(1, Duration::from_millis(20));
        let endpoint = Endpoint { address: [127, 0, 0, 1].into(), port: 1, server_name: String::new(), authority: None, patroni: None };
        let timed_out = limits.call(&endpoint, std::future::pending::<Result<i32, InstanceError>>()).await;
        assert!(timed_out.is_err());
        let limits = Limits { deadline: Duration::from_hours(1), ..limits };
        assert_eq!(limits.call(&endpoint, async { Ok(1) }).await, Ok(1));
    }
}
