//! The values that a label of a series may have, where the series are not known.

/// Labels that every scraped series has.
pub(super) const ALWAYS: &[&str] = &["__name__", "job", "instance"];
/// Unlike values: what matches all of them, and each letter and digit besides, matches everything.
const WORDS: &str =
    "up node_cpu_seconds_total ALERTS job:rate:5m kubelet monitoring/k8s 10.0.0.1:9100 - / . _ :";

fn probes() -> impl Iterator<Item = String> {
    let letters = ('0'..='9').chain('a'..='z').chain('A'..='Z');
    let words = WORDS.split(' ').map(str::to_owned);
    let odd = ["x y".to_owned(), "\n".to_owned()];
    words.chain(letters.map(String::from)).chain(odd)
}

/// The values that a label may have.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub(super) some: Vec<String>,
    /// Whether there are others.
    pub(super) open: bool,
}

impl Values {
    pub(super) fn one(value: &str) -> Self {
        Self {
            some: vec![value.to_owned()],
            open: false,
        }
    }

    pub(super) fn any(label: &str) -> Self {
        let absent = (!ALWAYS.contains(&label)).then(String::new);
        Self {
            some: absent.into_iter().chain(probes()).collect(),
            open: true,
        }
    }
}
