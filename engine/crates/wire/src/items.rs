//! Arrays of a request, read again from the frame each time they are walked.

use std::fmt;
use std::marker::PhantomData;

use crate::error::WireError;
use crate::read::Reader;

/// Something that arrays of a request hold.
pub trait Item<'a>: Sized {
    /// Fewest bytes that one takes in any version.
    const BYTES_MIN: usize;
    /// Reads one.
    fn read(reader: &mut Reader<'a>, version: i16) -> Result<Self, WireError>;
}

/// An array whose elements were all checked when the request was read. Iterating gives them without allocating.
pub struct Items<'a, T> {
    reader: Reader<'a>,
    left: usize,
    version: i16,
    of: PhantomData<T>,
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

impl<T> fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} items]", self.left)
    }
}

impl<'a, T: Item<'a>> Items<'a, T> {
    /// No elements.
    pub(crate) fn none(version: i16) -> Items<'a, T> {
        Items { reader: Reader::new(&[]), left: 0, version, of: PhantomData }
    }

    /// Checks an array that must not be null and leaves `reader` behind it.
    pub(crate) fn read(reader: &mut Reader<'a>, version: i16, flexible: bool) -> Result<Self, WireError> {
        let left = reader.count(flexible, T::BYTES_MIN)?;
        let items = Items { reader: *reader, left, version, of: PhantomData };
        for _ in 0..left {
            T::read(reader, version)?;
        }
        Ok(items)
    }
}

impl<'a, T: Item<'a>> Iterator for Items<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        Some(T::read(&mut self.reader, self.version).expect("checked when the request was read"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<'a, T: Item<'a>> ExactSizeIterator for Items<'a, T> {}
