//! Clients that stayed at the pooler of an instance that is no longer the primary.
//!
//! They are led on to the new primary, and let go while they are in no transaction: first those that have been idle for long, then
//! shorter and shorter, because the shorter a client has been idle the likelier it is just sending something. A client that never rests
//! cannot be told before it sends; it is cut off at the end, between two transactions, and counted by name.

use super::Report;
use crate::instance::{Console, ConsoleClient, InstanceError};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a client must have sent nothing to be let go, and for how long this holds. Twenty seconds in all. The first is longer than
/// the transactions that a switchover is made for: a client is idle from its last message on, whatever the server does for it.
const STAGES: [(Duration, Duration); 3] = [
    (Duration::from_millis(1_500), Duration::from_secs(4)),
    (Duration::from_millis(400), Duration::from_secs(4)),
    (Duration::from_millis(100), Duration::from_secs(12)),
];

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// Time for open transactions to end before the rest is cut off.
pub(super) const LAST: Duration = Duration::from_secs(2);

/// Those who came before a moment, which is written as the pooler writes it.
async fn stayed(console: &Console, before: &str) -> Result<BTreeMap<String, ConsoleClient>, InstanceError> {
    let clients = console.clients().await?.into_iter().filter(|client| client.connected.as_str() <= before);
    Ok(clients.map(|client| (client.id.clone(), client)).collect())
}

/// Lets go of clients that came before the moment. What is left of them is in the answer's second half.
pub(super) async fn let_go(console: &Console, before: &str) -> Result<(Report, BTreeMap<String, ConsoleClient>), InstanceError> {
    let mut left = stayed(console, before).await?;
    let began = left.len();
    for (idle, time) in STAGES {
        if left.is_empty() {
            break;
        }
        let end = Instant::now() + time;
        while !left.is_empty() && Instant::now() < end {
            // Again and again: a reload, for whatever reason, takes it back.
            console.close_idle_after(idle).await?;
            sleep(LOOK).await;
            left = stayed(console, before).await?;
        }
    }
    Ok((Report { closed_idle: began - left.len(), ..Report::default() }, left))
}

/// Cuts off the rest. The pooler is paused or about to be: most of them wait with a statement that was sent to no server.
pub(super) async fn cut(console: &Console, left: &BTreeMap<String, ConsoleClient>) -> Result<Vec<String>, InstanceError> {
    let now: BTreeMap<String, ConsoleClient> = console.clients().await?.into_iter().map(|client| (client.id.clone(), client)).collect();
    let mut cut = Vec::new();
    for (id, client) in left.iter().filter(|(id, _)| now.contains_key(*id)) {
        console.close_client(id).await?;
        cut.push(named(client));
    }
    Ok(cut)
}

/// A client, as people know it.
pub(super) fn named(client: &ConsoleClient) -> String {
    let application = if client.application.is_empty() { "-" } else { &client.application };
    format!("{}@{} ({application}, {})", client.user, client.database, client.address)
}
