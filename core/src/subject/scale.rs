//! A scale subresource and the object behind it → the object as it becomes.

use serde_json::{Value, json};

use super::Kind;

/// The object as it is once a `autoscaling/v1 Scale` has been applied to it; `None` where the Scale holds no number.
///
/// The API server leaves `spec.replicas` out when it is 0. Of Prometheus and PrometheusAgent it is `spec.shards`, as
/// their CRDs say in `subresources.scale.specReplicasPath`. The CRD of ThanosRuler has no such subresource yet; all other
/// kinds of the operator's that have one mean `spec.replicas`.
pub fn scaled(kind: Kind, parent: &Value, scale: &Value) -> Option<Value> {
    let number = match scale.get("spec")?.get("replicas") {
        None | Some(Value::Null) => 0,
        Some(number) => number.as_i64()?,
    };
    let field = match kind {
        Kind::Prometheus | Kind::PrometheusAgent => "shards",
        Kind::ThanosRuler => "replicas",
    };
    let mut object = parent.clone();
    let spec = object
        .as_object_mut()?
        .entry("spec")
        .or_insert_with(|| json!({}));
    spec.as_object_mut()?
        .insert(field.to_owned(), json!(number));
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_goes_where_the_crd_says() {
        let parent = json!({"kind": "x", "spec": {"shards": 1, "replicas": 2}});
        let scale = json!({"kind": "Scale", "spec": {"replicas": 7}});
        let agent = scaled(Kind::PrometheusAgent, &parent, &scale).unwrap();
        assert_eq!(
            agent,
            json!({"kind": "x", "spec": {"shards": 7, "replicas": 2}})
        );
        let ruler = scaled(Kind::ThanosRuler, &json!({"kind": "x"}), &scale).unwrap();
        assert_eq!(ruler, json!({"kind": "x", "spec": {"replicas": 7}}));
    }

    #[test]
    fn no_number_is_none_and_none_at_all_is_zero() {
        let parent = json!({"spec": {}});
        let to = |scale: Value| scaled(Kind::Prometheus, &parent, &scale);
        assert_eq!(to(json!({})), None);
        assert_eq!(to(json!({"spec": {"replicas": "7"}})), None);
        assert_eq!(
            to(json!({"spec": {}})),
            Some(json!({"spec": {"shards": 0}}))
        );
    }
}
