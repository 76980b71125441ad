//! Which item of the old list is which item of the new one.

use serde_json::Value;

/// Beyond this many comparisons only equal ends are looked for.
const MOST_COMPARISONS: usize = 10_000;

/// What happens at one point of a list, in the new list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// An old item that is a new one, changed or not.
    Keep { old: usize, new: usize },
    /// An old item that is gone.
    Remove { old: usize },
    /// A new item that was not there.
    Insert { new: usize },
}

/// Pairs equal items and items of one `name`, in their order; what stands between two pairs is paired as far as it goes.
pub(super) fn align(old: &[Value], new: &[Value]) -> Vec<Step> {
    let shorter = old.len().min(new.len());
    let prefix = old
        .iter()
        .zip(new)
        .take_while(|(old, new)| old == new)
        .count();
    let suffix = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(shorter - prefix)
        .take_while(|(old, new)| old == new)
        .count();
    let (old_end, new_end) = (old.len() - suffix, new.len() - suffix);

    let mut steps: Vec<Step> = (0..prefix)
        .map(|at| Step::Keep { old: at, new: at })
        .collect();
    let (mut old_at, mut new_at) = (prefix, prefix);
    let comparable = (old_end - prefix).saturating_mul(new_end - prefix) <= MOST_COMPARISONS;
    for candidate in (prefix..new_end).filter(|_| comparable) {
        if let Some(found) = (old_at..old_end).find(|at| is_same(&old[*at], &new[candidate])) {
            between(&mut steps, old_at..found, new_at..candidate);
            steps.push(Step::Keep {
                old: found,
                new: candidate,
            });
            (old_at, new_at) = (found + 1, candidate + 1);
        }
    }
    between(&mut steps, old_at..old_end, new_at..new_end);
    steps.extend((0..suffix).map(|at| Step::Keep {
        old: old_end + at,
        new: new_end + at,
    }));
    steps
}

fn is_same(old: &Value, new: &Value) -> bool {
    let name = |value: &'_ Value| value.get("name").filter(|name| name.is_string()).cloned();
    old == new || name(old).is_some_and(|found| name(new) == Some(found))
}

fn between(steps: &mut Vec<Step>, old: std::ops::Range<usize>, new: std::ops::Range<usize>) {
    let pairs = old.len().min(new.len());
    steps.extend(
        old.clone()
            .zip(new.clone())
            .map(|(old, new)| Step::Keep { old, new }),
    );
    steps.extend(old.skip(pairs).map(|old| Step::Remove { old }));
    steps.extend(new.skip(pairs).map(|new| Step::Insert { new }));
}
