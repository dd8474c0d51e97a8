//! Where an object was found.

use super::place::Place;

/// An object and where it was found.
#[derive(Debug)]
pub struct Located<T> {
    object: T,
    location: Location,
}

/// Where an object stands. The order is that of the input.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Location {
    pub(super) document: usize,
    /// The way through the `items` of lists.
    pub(super) items: Box<[u32]>,
    pub(super) place: Place,
}

impl<T> Located<T> {
    pub(super) fn new(object: T, document: usize, items: Box<[u32]>, place: Place) -> Self {
        Self { object, location: Location { document, items, place } }
    }

    /// The object.
    pub fn object(&self) -> &T {
        &self.object
    }

    /// Where it was found.
    pub fn location(&self) -> &Location {
        &self.location
    }
}

impl Location {
    /// The line where the object begins.
    pub fn line(&self) -> u32 {
        self.place.line()
    }
}
