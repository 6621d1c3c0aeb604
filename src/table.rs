//! Tables whose places are ids. A rule of their own that is broken is an internal error, told loudly, and never a
//! default that somebody takes for an answer.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The number of the thing in this place of a list.
///
/// # Panics
///
/// Where there are 2^32 or more: two things with one number would be one, and the last number stands for none.
#[track_caller]
#[expect(clippy::expect_used, reason = "memory ends before, and a wrong number would be a wrong answer")]
pub fn number(place: usize) -> u32 {
    u32::try_from(place).ok().filter(|number| *number != u32::MAX).expect("no list has 2^32 entries")
}

/// The entry of an id that its table gave away.
///
/// # Panics
///
/// Where the id is of another table.
#[track_caller]
#[expect(clippy::expect_used, reason = "ids are made by the table, and a default would be an answer")]
pub fn known<T>(entry: Option<T>) -> T {
    entry.expect("an id is asked of the table that it is of")
}

/// The entry in a place that an index over this list gave away.
///
/// # Panics
///
/// Where the place is of another list.
#[track_caller]
#[expect(clippy::indexing_slicing, reason = "places are given away for the list's own entries")]
pub fn entry<T>(list: &[T], place: usize) -> &T {
    &list[place]
}

/// Names the place of one entry of a table.
pub trait Id: Copy {
    /// The id of a place.
    fn at(place: usize) -> Self;

    /// The place.
    fn place(self) -> usize;
}

impl Id for usize {
    fn at(place: usize) -> Self {
        place
    }

    fn place(self) -> usize {
        self
    }
}

impl Id for u32 {
    fn at(place: usize) -> Self {
        number(place)
    }

    fn place(self) -> usize {
        self as usize
    }
}

/// A list that is asked by ids which it gave away itself, so that every id has an entry.
///
/// Indexing panics for an id of another table, which the command line tells as an internal error.
pub struct Table<I, T> {
    entries: Vec<T>,
    ids: PhantomData<fn() -> I>,
}

impl<I: Id, T> Table<I, T> {
    /// A table with room for so many entries.
    pub fn with_capacity(count: usize) -> Self {
        Vec::with_capacity(count).into()
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, count: usize) {
        self.entries.reserve(count);
    }

    /// Takes all entries away, and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Adds an entry, and gives its id.
    pub fn push(&mut self, entry: T) -> I {
        let id = I::at(self.entries.len());
        self.entries.push(entry);
        id
    }

    /// All ids, in their order.
    pub fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.entries.len()).map(I::at)
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    #[track_caller]
    #[expect(clippy::indexing_slicing, reason = "ids are made by the table")]
    fn index(&self, id: I) -> &T {
        &self.entries[id.place()]
    }
}

impl<I: Id, T> IndexMut<I> for Table<I, T> {
    #[track_caller]
    #[expect(clippy::indexing_slicing, reason = "ids are made by the table")]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.entries[id.place()]
    }
}

impl<I, T> Table<I, T> {
    /// The entries in their order.
    pub fn as_slice(&self) -> &[T] {
        &self.entries
    }

    /// The entries in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.entries.iter()
    }

    /// The entries in their order, to change.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.entries.iter_mut()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<I, T> From<Vec<T>> for Table<I, T> {
    fn from(entries: Vec<T>) -> Self {
        Table { entries, ids: PhantomData }
    }
}

impl<I, T> FromIterator<T> for Table<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(entries: A) -> Self {
        Vec::from_iter(entries).into()
    }
}

impl<I, T> Extend<T> for Table<I, T> {
    fn extend<A: IntoIterator<Item = T>>(&mut self, entries: A) {
        self.entries.extend(entries);
    }
}

impl<'a, I, T> IntoIterator for &'a Table<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

impl<I, T> IntoIterator for Table<I, T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<I, T: Clone> Clone for Table<I, T> {
    fn clone(&self) -> Self {
        self.entries.clone().into()
    }
}

impl<I, T: fmt::Debug> fmt::Debug for Table<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_table_is_no_entry_of_this_one() {
        let mut table: Table<usize, &str> = Table::default();
        let first = table.push("first");
        assert_eq!((table[first], table.ids().collect::<Vec<_>>()), ("first", vec![0]));
        assert!(std::panic::catch_unwind(|| table[first + 1]).is_err());
    }

    #[test]
    fn a_place_of_another_list_is_no_entry_of_this_one() {
        let list = [1, 2];
        assert_eq!(entry(&list, 1), &2);
        assert!(std::panic::catch_unwind(|| entry(&list, 2)).is_err());
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn two_places_have_two_numbers() {
        assert_eq!(number(u32::MAX as usize - 1), u32::MAX - 1);
        assert!(std::panic::catch_unwind(|| number(u32::MAX as usize)).is_err());
    }
}
