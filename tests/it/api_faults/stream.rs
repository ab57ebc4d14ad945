//! Watches that are spoiled line by line.

use super::layer::Fault;
use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Events of a watch before it is dropped.
const FEW: usize = 2;

/// A body that is read by lines.
pub(super) struct Spoiled {
    inner: futures::stream::BoxStream<'static, Result<Bytes, axum::Error>>,
    rest: Vec<u8>,
    ready: VecDeque<Vec<u8>>,
    fault: Fault,
    count: usize,
    ended: bool,
}

impl Spoiled {
    /// The same watch, spoiled.
    pub(super) fn lines(body: Body, fault: Fault) -> impl Stream<Item = Result<Bytes, axum::Error>> {
        let inner = body.into_data_stream().boxed();
        let spoiled = Self { inner, rest: Vec::new(), ready: VecDeque::new(), fault, count: 0, ended: false };
        futures::stream::unfold(spoiled, |mut spoiled| async move {
            let line = spoiled.next().await?;
            Some((line, spoiled))
        })
    }

    /// The next line of the server.
    async fn read(&mut self) -> Option<Result<Vec<u8>, axum::Error>> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                return Some(Ok(self.rest.drain(..=end).collect()));
            }
            match self.inner.next().await {
                Some(Ok(more)) => self.rest.extend_from_slice(&more),
                Some(Err(error)) => return Some(Err(error)),
                None => return None,
            }
        }
    }

    async fn next(&mut self) -> Option<Result<Bytes, axum::Error>> {
        if let Some(line) = self.ready.pop_front() {
            return Some(Ok(line.into()));
        }
        if self.ended {
            return None;
        }
        if self.count >= FEW && matches!(self.fault, Fault::WatchDropped | Fault::WatchGone) {
            self.ended = true;
            if self.fault == Fault::WatchDropped {
                return None;
            }
            let status = json!({"apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure", "code": 410, "reason": "Expired", "message": "too old resource version"});
            return Some(Ok(format!("{}\n", json!({"type": "ERROR", "object": status})).into()));
        }
        let line = match self.read().await? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        self.count += 1;
        match self.fault {
            Fault::WatchDuplicated => self.ready.push_back(line.clone()),
            // Only what is there already changes places: a watch must not wait for a neighbour that may never come.
            Fault::WatchReordered if self.rest.contains(&b'\n') => {
                if let Some(Ok(other)) = self.read().await {
                    self.count += 1;
                    if subject(&line).is_some() && subject(&other).is_some() && subject(&line) != subject(&other) {
                        self.ready.push_back(line);
                        return Some(Ok(other.into()));
                    }
                    self.ready.push_back(other);
                }
            }
            _ => {}
        }
        Some(Ok(line.into()))
    }
}

/// The object that an event is about; a bookmark is about none.
fn subject(line: &[u8]) -> Option<String> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let metadata = &event["object"]["metadata"];
    let name = metadata["name"].as_str()?;
    Some(format!("{}/{name}", metadata["namespace"].as_str().unwrap_or_default()))
}
