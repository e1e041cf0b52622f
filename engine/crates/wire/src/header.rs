//! Request headers v1 and v2.

use crate::error::WireError;
use crate::keys;
use crate::read::Reader;

/// What stands before every request's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestHeader<'a> {
    /// Which API.
    pub api_key: i16,
    /// Which version of it.
    pub api_version: i16,
    /// Chosen by the client, given back with the answer.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads the header of a frame (without its length) and gives the body.
    ///
    /// Unknown keys and versions are errors, as Kafka closes the connection for them, with one exception: an ApiVersions of
    /// a version above ours gives an empty body, and is answered by [`crate::api_versions::write_unsupported`].
    pub fn read(frame: &'a [u8]) -> Result<(RequestHeader<'a>, &'a [u8]), WireError> {
        let mut reader = Reader::new(frame);
        let api_key = reader.int16()?;
        let api_version = reader.int16()?;
        let api = keys::find(api_key).ok_or(WireError::UnknownApi)?;
        let known = (api.min..=api.max).contains(&api_version);
        if !known && api_key != keys::API_VERSIONS {
            return Err(WireError::UnknownVersion);
        }
        let correlation_id = reader.int32()?;
        if !known {
            return Ok((RequestHeader { api_key, api_version, correlation_id, client_id: None }, &[]));
        }
        // The client id kept its two-byte length when headers became flexible, so that any broker can read it.
        let client_id = reader.nullable_string(false)?;
        reader.no_tags(api.is_flexible(api_version))?;
        Ok((RequestHeader { api_key, api_version, correlation_id, client_id }, reader.rest()))
    }

    /// Whether this is an ApiVersions of a version that is not ours.
    #[must_use]
    pub fn is_unsupported_api_versions(&self) -> bool {
        self.api_key == keys::API_VERSIONS
            && !keys::find(self.api_key).is_some_and(|api| (api.min..=api.max).contains(&self.api_version))
    }
}
