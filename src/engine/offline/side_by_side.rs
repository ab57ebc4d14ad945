//! Many equal pieces of work on every processor.
//!
//! In: items and what is done with each. Out: the results, in the order of the items. Invariant: they are the same as one after the
//! other. Why: ten thousand clusters are checked and rendered each by itself.

use std::num::NonZero;
use std::thread::{available_parallelism, scope};

/// Fewer items than this are not worth a thread.
const WORTH_IT: usize = 16;

/// Does the same with each item.
pub(super) fn map<T: Send, R: Send>(mut items: Vec<T>, each: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = available_parallelism().map_or(1, NonZero::get).min(items.len() / WORTH_IT);
    if threads < 2 {
        return items.into_iter().map(each).collect();
    }
    let share = items.len().div_ceil(threads);
    let mut shares = Vec::new();
    while items.len() > share {
        shares.push(items.split_off(items.len() - share));
    }
    let each = &each;
    scope(|scope| {
        // The last shares come first; this thread does the first one.
        let others: Vec<_> = shares.into_iter().map(|share| scope.spawn(move || share.into_iter().map(each).collect::<Vec<R>>())).collect();
        let mut results: Vec<R> = items.into_iter().map(each).collect();
        for other in others.into_iter().rev() {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::map;

    /// A plan whose order depended on threads would have another id each time.
    #[test]
    fn results_come_in_the_order_of_the_items() {
        for count in [0, 1, 15, 16, 31, 32, 33, 100, 1_000] {
            let doubled = map((0..count).collect(), |number: usize| number * 2);
            assert_eq!(doubled, (0..count).map(|number| number * 2).collect::<Vec<_>>(), "{count}");
        }
    }
}
