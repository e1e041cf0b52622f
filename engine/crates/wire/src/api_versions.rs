//! ApiVersions (key 18, v0-4): what this broker can do. Answered before anything else is known of the client.
//!
//! The answer's header is always v0. A version above ours is answered in v0's form with UNSUPPORTED_VERSION and our own
//! range, so that the client asks again. v3 client software, features · v4 features whose lowest version is 0

use model::ErrorCode;

use crate::error::WireError;
use crate::frame::Frame;
use crate::keys::{API_VERSIONS, find};
use crate::read::Reader;
use crate::write::{Write, varint_len};

/// Versions of an API as they are advertised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ApiRange {
    /// Which API.
    pub key: i16,
    /// Lowest version.
    pub min: i16,
    /// Highest version.
    pub max: i16,
}

/// A feature of the cluster (`group.version`, `transaction.version` ...) as it is advertised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Feature<'a> {
    /// Its name.
    pub name: &'a str,
    /// Lowest level that this broker supports.
    pub min: i16,
    /// Highest level that this broker supports.
    pub max: i16,
    /// The level that the cluster has finalized; 0: none, and the feature is off.
    pub finalized: i16,
}

/// An ApiVersions as the client sent it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ApiVersionsRequest<'a> {
    /// What the client's library calls itself (v3+).
    pub client_software_name: &'a str,
    /// The library's version (v3+).
    pub client_software_version: &'a str,
}

impl<'a> ApiVersionsRequest<'a> {
    /// Reads and checks a whole request of a version that is ours.
    pub fn read(version: i16, body: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let mut request = ApiVersionsRequest::default();
        if version >= 3 {
            request.client_software_name = reader.string(true)?;
            request.client_software_version = reader.string(true)?;
            reader.no_tags(true)?;
        }
        Ok(request)
    }

    /// Whether name and version are of the form that KIP-511 asks for; if not, the answer is `INVALID_REQUEST`.
    #[must_use]
    pub fn is_valid(&self, version: i16) -> bool {
        version < 3
            || is_software_name(self.client_software_name) && is_software_name(self.client_software_version)
    }
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
fn is_software_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// The epoch of finalized features that are not known: clients take all of them for unknown.
pub const EPOCH_UNKNOWN: i64 = -1;

/// Writes an answer, length and header included, at the end of `out`. `epoch`: of the finalized features; it rises when
/// one of them changes.
pub fn write(
    out: &mut Vec<u8>,
    version: i16,
    correlation_id: i32,
    error: ErrorCode,
    apis: &[ApiRange],
    epoch: i64,
    features: &[Feature<'_>],
) {
    let flexible = version >= 3;
    let frame = Frame::begin(out, API_VERSIONS, version, correlation_id);
    out.int16(error.0);
    out.count(flexible, apis.len());
    for api in apis {
        out.int16(api.key);
        out.int16(api.min);
        out.int16(api.max);
        out.no_tags(flexible);
    }
    if version >= 1 {
        out.int32(0); // throttle time: this answer is never held back
    }
    if flexible {
        write_features(out, version, epoch, features);
    }
    frame.end(out, 0);
}

fn write_features(out: &mut Vec<u8>, version: i16, epoch: i64, features: &[Feature<'_>]) {
    // Clients of v3 take a lowest version of 0 for malformed (KAFKA-17011).
    let supported = || features.iter().filter(|feature| version >= 4 || feature.min > 0);
    let finalized = || features.iter().filter(|feature| feature.finalized > 0);
    let field_len = |names: &mut dyn Iterator<Item = &Feature<'_>>| {
        let (mut count, mut bytes) = (0, 0);
        for feature in names {
            count += 1;
            bytes += varint_len(feature.name.len() + 1) + feature.name.len() + 2 + 2 + 1;
        }
        (count, varint_len(count + 1) + bytes)
    };
    let (supported_count, supported_len) = field_len(&mut supported());
    let (finalized_count, finalized_len) = field_len(&mut finalized());
    let tags = u32::from(supported_count > 0) + u32::from(epoch >= 0) + u32::from(finalized_count > 0);
    out.unsigned_varint(tags);
    if supported_count > 0 {
        out.tag(0, supported_len);
        out.count(true, supported_count);
        for feature in supported() {
            out.string(true, feature.name);
            out.int16(feature.min);
            out.int16(feature.max);
            out.no_tags(true);
        }
    }
    if epoch >= 0 {
        out.tag(1, 8);
        out.int64(epoch);
    }
    if finalized_count > 0 {
        out.tag(2, finalized_len);
        out.count(true, finalized_count);
        for feature in finalized() {
            out.string(true, feature.name);
            out.int16(feature.finalized);
            out.int16(feature.finalized);
            out.no_tags(true);
        }
    }
}

/// Writes the answer to a version above ours: v0's form, the error, and the versions to ask with.
pub fn write_unsupported(out: &mut Vec<u8>, correlation_id: i32) {
    let api = find(API_VERSIONS).expect("it stands in the table");
    let range = ApiRange { key: api.key, min: api.min, max: api.max };
    write(out, 0, correlation_id, ErrorCode::UNSUPPORTED_VERSION, &[range], EPOCH_UNKNOWN, &[]);
}
