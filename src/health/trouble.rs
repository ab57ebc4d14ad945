//! Why a pod does not run, as the scheduler and the kubelet say it.

use crate::model::Object;
use serde_json::Value;

/// The first thing that keeps a pod from running and does not pass by itself; `None` while it starts or runs.
///
/// The kubelet's two words for one failure, the failed try and the pause before the next, become one: a status that changed with
/// each try would be a write each time. Its message is kept only where it names the missing thing and stays the same.
pub(super) fn trouble(pod: &Object) -> Option<String> {
    if let Some(scheduled) = pod.condition("PodScheduled").filter(|scheduled| scheduled["status"] == "False") {
        return Some(format!("no node takes it: {}", scheduled["message"].as_str().unwrap_or_default()));
    }
    let containers = |pointer: &str| pod.get(pointer).and_then(Value::as_array).into_iter().flatten();
    let statuses = containers("/status/initContainerStatuses").chain(containers("/status/containerStatuses"));
    let mut found = statuses.filter_map(|status| {
        let name = status["name"].as_str()?;
        let waiting = &status["state"]["waiting"];
        let what = match waiting["reason"].as_str()? {
            "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
                let mut wanted = containers("/spec/initContainers").chain(containers("/spec/containers"));
                let image = wanted.find(|container| container["name"] == name)?["image"].as_str()?;
                format!("its image {image} cannot be had")
            }
            "CreateContainerConfigError" => waiting["message"].as_str()?.to_owned(),
            "CreateContainerError" | "RunContainerError" => "it cannot be started".to_owned(),
            "CrashLoopBackOff" => "it ends again and again".to_owned(),
            _ => return None,
        };
        Some(format!("container {name}: {what}"))
    });
    found.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Without it the status of a cluster with a wrong image says "2 of 3 instances ready", and nobody knows why.
    #[test]
    fn the_cause_is_named_in_one_way() {
        let pod = |state: Value| {
            Object::new(json!({
                "kind": "Pod",
                "spec": {"containers": [{"name": "patroni", "image": "a/b:c"}]},
                "status": {"containerStatuses": [{"name": "pgbouncer", "state": {"running": {}}}, {"name": "patroni", "image": "a/b:old", "state": state}]},
            }))
        };
        let waiting = |reason: &str, message: &str| trouble(&pod(json!({"waiting": {"reason": reason, "message": message}})));
        let image = waiting("ErrImagePull", "dial tcp").unwrap();
        assert_eq!(image, "container patroni: its image a/b:c cannot be had");
        assert_eq!(waiting("ImagePullBackOff", "Back-off"), Some(image));
        assert_eq!(waiting("CreateContainerConfigError", "secret \"x\" not found").unwrap(), "container patroni: secret \"x\" not found");
        assert_eq!(waiting("ContainerCreating", ""), None);
        assert_eq!(trouble(&pod(json!({"running": {}}))), None);
        let unscheduled = json!({"kind": "Pod", "status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]}});
        assert_eq!(trouble(&Object::new(unscheduled)).unwrap(), "no node takes it: 0/3 nodes are available");
    }
}
