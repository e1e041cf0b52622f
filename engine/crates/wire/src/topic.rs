//! How requests name topics: by name at first, by id in the newest versions.

use model::TopicId;

use crate::error::WireError;
use crate::read::Reader;
use crate::write::Write;

/// A topic as a request names it, and as the answer must name it back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TopicRef<'a> {
    /// By its name.
    Name(&'a str),
    /// By its id.
    Id(TopicId),
}

impl<'a> TopicRef<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>, by_id: bool, flexible: bool) -> Result<Self, WireError> {
        if by_id {
            return Ok(TopicRef::Id(TopicId(reader.uuid()?)));
        }
        reader.string(flexible).map(TopicRef::Name)
    }

    pub(crate) fn write(self, out: &mut Vec<u8>, flexible: bool) {
        match self {
            TopicRef::Id(id) => out.extend_from_slice(&id.0),
            TopicRef::Name(name) => out.string(flexible, name),
        }
    }
}
