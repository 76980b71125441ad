//! The ways in: how a plan becomes requests. Who is refused goes on with the next request all the same.

use serde_json::{Map, Value, json};

use super::chance::Chance;
use super::moves::later;
use super::plan::{Plan, map};
use super::server::Request;
use super::server::merge::difference;

/// One way.
pub(super) type Delivery = fn(&Plan, &mut Chance) -> Vec<Request>;

macro_rules! deliveries {
    ($($name:ident;)*) => {
        /// All of them, by name. The first is the plainest.
        pub(super) const DELIVERIES: &[(&str, Delivery)] = &[$((stringify!($name), $name)),*];
    };
}

deliveries! {
    create;
    generate_name;
    replace;
    merge_patch;
    in_parts;
    by_leaves;
    client_side_apply;
    server_side_apply;
    fields_of_other_managers;
    handed_over;
    scale;
    later_webhook;
    metadata_only;
    while_it_goes;
    there_and_back;
}

/// The object as it stands first: nothing to create where something stood there before.
fn begin(plan: &Plan) -> Vec<Request> {
    if plan.start.is_some() {
        Vec::new()
    } else {
        vec![Request::Create(plan.clean.clone())]
    }
}

fn wanted(plan: &Plan) -> Value {
    difference(&plan.clean, &plan.object)
}

fn then(plan: &Plan, requests: impl IntoIterator<Item = Request>) -> Vec<Request> {
    begin(plan).into_iter().chain(requests).collect()
}

fn create(plan: &Plan, _: &mut Chance) -> Vec<Request> {
    match plan.start {
        Some(_) => vec![Request::Replace(plan.object.clone())],
        None => vec![Request::Create(plan.object.clone())],
    }
}

fn generate_name(plan: &Plan, _: &mut Chance) -> Vec<Request> {
    let mut object = plan.object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.shift_remove("name");
        metadata.insert("generateName".to_owned(), json!("k8s-"));
    }
    vec![Request::Create(object)]
}

fn replace(plan: &Plan, _: &mut Chance) -> Vec<Request> {
    then(plan, [Request::Replace(plan.object.clone())])
}

fn merge_patch(plan: &Plan, _: &mut Chance) -> Vec<Request> {
    then(plan, [Request::Merge(wanted(plan))])
}

/// One field of `spec` at a time, in any order.
fn in_parts(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let all = wanted(plan);
    let mut parts: Vec<Value> = members(&all["spec"])
        .map(|(name, value)| json!({"spec": {name: value}}))
        .collect();
    parts.extend(members(&all["metadata"]).map(|(name, value)| json!({"metadata": {name: value}})));
    chance.shuffle(&mut parts);
    then(plan, parts.into_iter().map(Request::Merge))
}

/// One leaf at a time: an entry comes first without what is wrong with it, then with one part of it after the other.
fn by_leaves(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let mut requests = begin(plan);
    let mut now = plan.clean["spec"].clone();
    let mut steps = Vec::new();
    for (name, value) in members(&plan.object["spec"]) {
        match value.as_array() {
            Some(items) if items.iter().any(Value::is_object) => {
                for (at, item) in items.iter().enumerate() {
                    steps.extend(members(item).map(|(field, value)| {
                        (name.clone(), Some((at, field.clone())), value.clone())
                    }));
                }
            }
            _ => steps.push((name.clone(), None, value.clone())),
        }
    }
    chance.shuffle(&mut steps);
    // Names and urls first: an item without them is none.
    steps.sort_by_key(|(_, item, _)| {
        item.as_ref()
            .is_none_or(|(_, field)| field != "url" && field != "name")
    });
    for (name, item, value) in steps {
        match item {
            Some((at, field)) => {
                if !now[&name].is_array() {
                    now[&name] = json!([]);
                }
                let items = now[&name].as_array_mut().unwrap();
                while items.len() <= at {
                    items.push(json!({}));
                }
                map(&mut items[at]).insert(field, value);
            }
            None => now[&name] = value,
        }
        requests.push(Request::Merge(json!({"spec": {name.clone(): now[&name]}})));
    }
    requests
}

fn client_side_apply(plan: &Plan, _: &mut Chance) -> Vec<Request> {
    vec![
        Request::Apply(plan.clean.clone()),
        Request::Apply(plan.object.clone()),
    ]
}

fn server_side_apply(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let force = chance.one_in(2);
    let apply = |object: &Value| Request::ServerApply {
        object: object.clone(),
        manager: "gitops".to_owned(),
        force,
    };
    let first = if chance.one_in(2) {
        begin(plan)
    } else {
        vec![apply(&plan.clean)]
    };
    first.into_iter().chain([apply(&plan.object)]).collect()
}

/// Every field by a manager of its own, who owns nothing else.
fn fields_of_other_managers(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let all = wanted(plan);
    let mut parts: Vec<Value> = members(&all["spec"])
        .filter(|(_, value)| !value.is_null())
        .map(|(name, _)| part(plan, &json!({name: plan.object["spec"][name]})))
        .collect();
    chance.shuffle(&mut parts);
    let requests = parts
        .into_iter()
        .enumerate()
        .map(|(at, object)| Request::ServerApply {
            object,
            manager: format!("manager-{at}"),
            force: true,
        });
    then(plan, requests)
}

/// One manager applies the clean list, a second takes it over, and the first lets go of it.
fn handed_over(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let apply = |object: Value, manager: &str| Request::ServerApply {
        object,
        manager: manager.to_owned(),
        force: true,
    };
    let bare = part(plan, &json!({}));
    let mut requests = vec![
        apply(plan.clean.clone(), "first"),
        apply(plan.object.clone(), "second"),
        apply(bare.clone(), "first"),
        apply(plan.clean.clone(), "second"),
        apply(bare, "second"),
    ];
    if chance.one_in(2) {
        requests.swap(1, 2);
    }
    requests
}

fn scale(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let mut unscaled = plan.object.clone();
    if let Some(spec) = unscaled["spec"].as_object_mut() {
        spec.shift_remove("shards");
    }
    let shards = plan.object["spec"]["shards"].as_i64();
    let numbers = [1, 2, 4, 50, 1000, i64::from(i32::MAX)];
    let number = shards
        .filter(|number| *number > 1)
        .unwrap_or_else(|| chance.one(&numbers));
    then(
        plan,
        [
            Request::Merge(difference(&plan.clean, &unscaled)),
            Request::Scale(1),
            Request::Scale(number),
        ],
    )
}

/// A clean object that a webhook after ours makes into the other.
fn later_webhook(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let mut made = plan.clone();
    made.object = plan.clean.clone();
    let all = wanted(plan);
    later(&mut made, &all, chance.one_in(2));
    let clean = Request::Create(plan.clean.clone());
    if plan.start.is_some() || chance.one_in(2) {
        return begin(plan)
            .into_iter()
            .chain([Request::Replace(made.object)])
            .collect();
    }
    if chance.one_in(2) {
        vec![Request::Create(made.object)]
    } else {
        vec![clean, Request::Merge(difference(&plan.clean, &made.object))]
    }
}

/// The metadata alone, on a clean object: annotations and labels mean something too.
fn metadata_only(plan: &Plan, _: &mut Chance) -> Vec<Request> {
    then(
        plan,
        [
            Request::Merge(json!({"metadata": wanted(plan)["metadata"]})),
            Request::Merge(wanted(plan)),
        ],
    )
}

/// What is going may go; it may not change on its way.
fn while_it_goes(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let held = json!({"metadata": {"finalizers": ["evasion.example.com/held"]}});
    let mut object = plan.object.clone();
    object["metadata"]["finalizers"] = json!(["evasion.example.com/held"]);
    let mut requests = then(plan, [Request::Merge(held), Request::Delete]);
    requests.push(if chance.one_in(2) {
        Request::Replace(object)
    } else {
        Request::Merge(wanted(plan))
    });
    requests
}

/// In, out and in again: a fault that was refused or undone is no old one.
fn there_and_back(plan: &Plan, chance: &mut Chance) -> Vec<Request> {
    let mut requests = begin(plan);
    for _ in 0..=chance.below(2) {
        requests.extend([
            Request::Replace(plan.object.clone()),
            Request::Replace(plan.clean.clone()),
            Request::Merge(wanted(plan)),
        ]);
    }
    requests
}

fn part(plan: &Plan, spec: &Value) -> Value {
    json!({"apiVersion": plan.object["apiVersion"], "kind": plan.object["kind"],
        "metadata": {"name": plan.clean["metadata"]["name"], "namespace": plan.clean["metadata"]["namespace"]}, "spec": spec})
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().map(Map::iter).into_iter().flatten()
}
