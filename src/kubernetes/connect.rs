//! Reaching the API server.

use super::error::{Class, KubernetesError};
use super::requests::Cluster;
use std::path::Path;
use std::time::Duration;

impl Cluster {
    /// Connects as a kubeconfig says, or as the environment or the pod does. Nothing is sent yet.
    pub async fn connect(kubeconfig: Option<&Path>, timeout: Duration) -> Result<Self, KubernetesError> {
        // A second installation is refused and harmless: there is one provider.
        drop(rustls::crypto::ring::default_provider().install_default());
        let failed = |error: String| KubernetesError::new("connect to", "the API server", Class::Unavailable, without_content(&error));
        let mut config = match kubeconfig {
            Some(path) => {
                let kubeconfig = kube::config::Kubeconfig::read_from(path).map_err(|error| failed(error.to_string()))?;
                let options = kube::config::KubeConfigOptions::default();
                kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| failed(error.to_string()))?
            }
            None => kube::Config::infer().await.map_err(|error| failed(error.to_string()))?,
        };
        // Every request has a deadline of its own; the client would try for minutes.
        config.default_retry = false;
        let client = kube::Client::try_from(config).map_err(|error| failed(error.to_string()))?;
        Ok(Self::new(client, timeout))
    }
}

/// What went wrong with a kubeconfig without what is in it: the parser repeats the lines around a mistake, and these hold tokens and keys.
fn without_content(error: &str) -> String {
    const PARSER: &str = "failed to parse kubeconfig YAML";
    let Some((before, after)) = error.split_once(PARSER) else { return error.to_owned() };
    let number = |word: &str| {
        let digits: String = after.split_once(word)?.1.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then_some(digits)
    };
    match (number("line "), number("column ")) {
        (Some(line), Some(column)) => format!("{before}{PARSER}, line {line}, column {column}"),
        _ => format!("{before}{PARSER}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_mistake_is_told_and_not_the_line() {
        let said = "failed to parse kubeconfig YAML: error: line 6 column 25: expected mapping start\n6 | users: [{name: u, user: secret}]";
        assert_eq!(without_content(said), "failed to parse kubeconfig YAML, line 6, column 25");
        assert_eq!(without_content("failed to parse kubeconfig YAML: secret"), "failed to parse kubeconfig YAML");
        assert_eq!(without_content("failed to load current context: c"), "failed to load current context: c");
    }
}
