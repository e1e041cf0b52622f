//! An answer's frame: the length, the response header, the body.

use crate::keys;
use crate::write::Write;

/// A frame being written at the end of a buffer: made by [`Frame::begin`], closed by [`Frame::end`].
#[derive(Debug)]
#[must_use]
pub struct Frame {
    start: usize,
}

impl Frame {
    /// Writes room for the length, and the response header that this key and version has.
    pub fn begin(out: &mut Vec<u8>, api_key: i16, version: i16, correlation_id: i32) -> Frame {
        let start = out.len();
        out.int32(0);
        out.int32(correlation_id);
        // ApiVersions is answered before the client knows what the broker can read, so its header never changed.
        let flexible = api_key != keys::API_VERSIONS && keys::is_flexible(api_key, version);
        out.no_tags(flexible);
        Frame { start }
    }

    /// Writes the length; `elsewhere` bytes of the frame are not in `out` but sent between its parts.
    pub fn end(self, out: &mut [u8], elsewhere: usize) {
        let len = out.len() - self.start - 4 + elsewhere;
        let len = i32::try_from(len).expect("answers are far below 2 GiB");
        out[self.start..self.start + 4].copy_from_slice(&len.to_be_bytes());
    }
}
