//! What a request names twice. Kafka keeps the partitions of a Produce and of a Fetch in a map: the last word counts.

/// Where a key stands in a request that names some of its keys twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// At first.
    pub first: usize,
    /// At last; the same if it stands there once.
    pub last: usize,
}

/// The places of all keys, in the order of the first ones; `None` if every key stands there once.
pub(crate) fn twins<K: Ord>(keys: impl Iterator<Item = K> + Clone) -> Option<Vec<Place>> {
    if keys.clone().is_sorted_by(|one, next| one < next) {
        return None; // the usual request, without a copy
    }
    let mut sorted: Vec<(K, usize)> = keys.zip(0..).collect();
    sorted.sort_unstable();
    if sorted.is_sorted_by(|(one, _), (next, _)| one < next) {
        return None;
    }
    let same = sorted.chunk_by(|(one, _), (next, _)| one == next);
    let mut places: Vec<Place> =
        same.map(|same| Place { first: same[0].1, last: same[same.len() - 1].1 }).collect();
    places.sort_unstable_by_key(|place| place.first);
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_any_order_stand_once() {
        for keys in [&[][..], &["a"], &["a", "b", "c"], &["c", "a", "b"]] {
            assert_eq!(twins(keys.iter()), None, "{keys:?}");
        }
    }

    #[test]
    fn the_first_place_and_the_last_word() {
        let places = twins(["b", "a", "b", "c", "b"].iter()).expect("b stands there three times");
        let place = |first, last| Place { first, last };
        assert_eq!(places, [place(0, 4), place(1, 1), place(3, 3)]);
    }
}
