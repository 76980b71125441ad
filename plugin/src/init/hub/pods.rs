//! Why a pod is not ready, in the words of the kubelet and the scheduler.

use serde_json::Value;

use crate::cluster::live::condition;

/// As many pods as are told of.
const PODS: usize = 5;
/// As much of a message as is shown.
const LENGTH: usize = 200;

/// A sentence for each pod that is not ready, the same one only once.
pub(super) fn troubles(pods: &[Value]) -> Vec<String> {
    let mut troubles: Vec<String> = pods.iter().filter_map(trouble).collect();
    troubles.sort();
    let left = troubles.len().saturating_sub(PODS);
    troubles.truncate(PODS);
    if left > 0 {
        troubles.push(format!("{left} more pods are not ready"));
    }
    troubles
}

fn trouble(pod: &Value) -> Option<String> {
    let status = &pod["status"];
    let ready = condition(pod, "Ready");
    if ready["status"] == "True" {
        return None;
    }
    let name = pod["metadata"]["name"].as_str()?;
    let why = of_containers(status)
        .or_else(|| of_scheduler(pod))
        .unwrap_or_else(|| {
            let phase = status["phase"].as_str().unwrap_or("Unknown");
            match ready["message"].as_str() {
                Some(message) => format!("{phase}: {}", short(message)),
                None => phase.to_owned(),
            }
        });
    Some(format!("pod/{name}: {why}"))
}

/// What a container waits for, and how it ended before.
fn of_containers(status: &Value) -> Option<String> {
    let containers = ["initContainerStatuses", "containerStatuses"]
        .iter()
        .flat_map(|key| status[*key].as_array().into_iter().flatten());
    containers
        .filter(|container| container["ready"] != true)
        .find_map(|container| {
            let waiting = &container["state"]["waiting"];
            let ended = [&container["state"], &container["lastState"]]
                .map(|state| &state["terminated"])
                .into_iter()
                .find(|ended| ended.is_object());
            let mut words = Vec::new();
            words.extend(said(waiting));
            if let Some(ended) = ended.filter(|ended| ended["exitCode"] != 0) {
                let reason = ended["reason"].as_str().unwrap_or("ended");
                words.push(format!("{reason} with exit code {}", ended["exitCode"]));
                words.extend(ended["message"].as_str().map(short));
            }
            let name = container["name"].as_str().unwrap_or_default();
            (!words.is_empty()).then(|| format!("container {name}: {}", words.join(": ")))
        })
}

fn of_scheduler(pod: &Value) -> Option<String> {
    let scheduled = condition(pod, "PodScheduled");
    said(scheduled).filter(|_| scheduled["status"] == "False")
}

/// `Reason: message`.
fn said(of: &Value) -> Option<String> {
    let reason = of["reason"].as_str()?;
    Some(match of["message"].as_str() {
        Some(message) => format!("{reason}: {}", short(message)),
        None => reason.to_owned(),
    })
}

/// The last line that says something: a log ends with its reason.
fn short(message: &str) -> String {
    let line = message.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or_default()
        .trim()
        .chars()
        .take(LENGTH)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, status: &Value) -> Value {
        json!({"metadata": {"name": name}, "status": status})
    }

    #[test]
    fn each_pod_says_why_it_is_not_ready() {
        let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        let pending = json!({"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient memory.",
        }]});
        let crashing = json!({"phase": "Running", "containerStatuses": [{
            "name": "thanos", "ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 1, "message": "first\nno such bucket\n"}},
        }]});
        let probed = json!({"phase": "Running", "conditions": [{
            "type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [thanos]",
        }], "containerStatuses": [{"name": "thanos", "ready": false, "state": {"running": {}}}]});
        let pods = [
            pod("a", &ready),
            pod("b", &pending),
            pod("c", &crashing),
            pod("d", &probed),
        ];
        assert_eq!(
            troubles(&pods),
            [
                "pod/b: Unschedulable: 0/3 nodes are available: 3 Insufficient memory.",
                "pod/c: container thanos: CrashLoopBackOff: back-off 20s: Error with exit code 1: no such bucket",
                "pod/d: Running: containers with unready status: [thanos]",
            ]
        );
        let many: Vec<Value> = (0..7)
            .map(|number| pod(&number.to_string(), &json!({"phase": "Pending"})))
            .collect();
        assert_eq!(troubles(&many).last().unwrap(), "2 more pods are not ready");
    }
}
