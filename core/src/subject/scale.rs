//! What `/scale` asks for, as the object that it makes.

use serde_json::Value;

use super::Kind;

/// The parent object with what an `autoscaling/v1 Scale` asks for, so that it is judged as an update of the parent;
/// `None` for a kind without a scale and for what is no Scale.
///
/// The path is the CRDs' own `subresources.scale.specReplicasPath`: `.spec.shards`, and ThanosRuler has none. Nothing
/// else of a Scale reaches the object, and an absent number is zero (apiserver `pkg/registry/autoscaling` and
/// apiextensions-apiserver `pkg/registry/customresource/etcd.go`).
pub fn scaled(kind: Kind, parent: &Value, scale: &Value) -> Option<Value> {
    let path = match kind {
        Kind::Prometheus | Kind::PrometheusAgent => "shards",
        Kind::ThanosRuler => return None,
    };
    if scale["kind"] != "Scale" {
        return None;
    }
    let asked = match &scale["spec"]["replicas"] {
        Value::Null => 0,
        number => number.as_i64()?,
    };
    let mut scaled = parent.clone();
    let spec = scaled.as_object_mut()?.entry("spec");
    let spec = spec.or_insert_with(|| Value::Object(serde_json::Map::new()));
    spec.as_object_mut()?
        .insert(path.to_owned(), Value::from(asked));
    Some(scaled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scale_is_an_update_of_the_shards() {
        let parent = json!({"metadata": {"name": "k8s"}, "spec": {"shards": 1, "replicas": 2}});
        let scale = json!({"kind": "Scale", "metadata": {"name": "k8s"}, "spec": {"replicas": 9}});
        for kind in [Kind::Prometheus, Kind::PrometheusAgent] {
            let scaled = scaled(kind, &parent, &scale).unwrap();
            assert_eq!(scaled["spec"], json!({"shards": 9, "replicas": 2}));
            assert_eq!(scaled["metadata"], parent["metadata"]);
        }
    }

    #[test]
    fn what_is_no_scale_makes_nothing() {
        let parent = json!({"spec": {}});
        let scale = json!({"kind": "Scale", "spec": {"replicas": 9}});
        let ask = |kind, scale| scaled(kind, &parent, &scale);
        assert_eq!(ask(Kind::ThanosRuler, scale.clone()), None);
        assert_eq!(ask(Kind::Prometheus, json!({"kind": "Prometheus"})), None);
        assert_eq!(
            ask(
                Kind::Prometheus,
                json!({"kind": "Scale", "spec": {"replicas": "9"}})
            ),
            None
        );
        assert_eq!(scaled(Kind::Prometheus, &json!({"spec": []}), &scale), None);
        let zero = ask(Kind::Prometheus, json!({"kind": "Scale"})).unwrap();
        assert_eq!(zero["spec"]["shards"], 0);
        let made = scaled(Kind::Prometheus, &json!({}), &scale).unwrap();
        assert_eq!(made["spec"]["shards"], 9);
    }
}
