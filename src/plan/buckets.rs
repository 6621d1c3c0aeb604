//! Items sorted into numbered buckets in linear time.

/// For each bucket its items, by their places, in their order.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    /// Where each bucket starts in `items`, and where the last one ends.
    starts: Vec<usize>,
    items: Vec<usize>,
}

impl Buckets {
    /// Sorts items into `count` buckets, given the bucket of each; those in none of them are left out.
    pub(super) fn new(count: usize, keys: impl Iterator<Item = usize> + Clone) -> Self {
        let mut starts = vec![0; count + 1];
        for key in keys.clone() {
            if let Some(slot) = starts.get_mut(key + 1) {
                *slot += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut ends = starts.clone();
        let mut items = vec![0; sum];
        for (item, key) in keys.enumerate().filter(|(_, key)| *key < count) {
            if let Some(end) = ends.get_mut(key) {
                items.iter_mut().skip(*end).take(1).for_each(|slot| *slot = item);
                *end += 1;
            }
        }
        Buckets { starts, items }
    }

    /// The items of a bucket.
    pub(super) fn get(&self, bucket: usize) -> &[usize] {
        let range = self.starts.get(bucket).zip(self.starts.get(bucket + 1));
        range.and_then(|(start, end)| self.items.get(*start..*end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_order_and_those_of_no_bucket_are_left_out() {
        let buckets = Buckets::new(3, [2, 0, 7, 2, 0].into_iter());
        assert_eq!([0, 1, 2].map(|bucket| buckets.get(bucket)), [&[1, 4][..], &[], &[0, 3]]);
        assert!(buckets.get(3).is_empty());
        assert!(Buckets::new(0, std::iter::empty()).get(0).is_empty());
    }
}
