//! The same act for every item of a list, on every core.

use std::num::NonZero;
use std::thread;

/// Fewer items than this are not worth a thread.
const WORTH_A_THREAD: usize = 32;

/// Applies `act` to all items; the results are in their order.
pub fn spread<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(items.len() / WORTH_A_THREAD).max(1);
    let mut parts = items.chunks(items.len().div_ceil(threads).max(1));
    let act_on = |part: &[T]| part.iter().map(&act).collect::<Vec<R>>();
    let Some(first) = parts.next() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let others: Vec<_> = parts
            .map(|part| scope.spawn(move || act_on(part)))
            .collect();
        let mut results = act_on(first);
        for other in others {
            match other.join() {
                Ok(part) => results.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}
