//! ApiVersions (key 18, v0-4): what this broker answers, and in which versions. Answered here, from what Python said at start.
//!
//! A version above ours is answered in v0's form with UNSUPPORTED_VERSION, as every client expects (KIP-511).

use std::collections::BTreeMap;

use io::NetToken;
use model::ErrorCode;
use wire::{ApiRange, ApiVersionsRequest, Feature, RequestHeader, api_versions};

use crate::connection::Piece;
use crate::server::{Close, Server};

/// What ApiVersions tells: keys with their versions, and features.
#[derive(Debug)]
pub struct ApiRanges {
    ranges: Vec<ApiRange>,
    by_key: BTreeMap<i16, (i16, i16)>,
    features: Vec<(String, i16, i16, i16)>,
}

impl ApiRanges {
    /// From (key, lowest, highest version) and (name, lowest, highest, finalized level).
    #[must_use]
    pub fn new(ranges: &[(i16, i16, i16)], features: &[(String, i16, i16, i16)]) -> ApiRanges {
        ApiRanges {
            ranges: ranges
                .iter()
                .map(|(key, min, max)| ApiRange { key: *key, min: *min, max: *max })
                .collect(),
            by_key: ranges.iter().map(|(key, min, max)| (*key, (*min, *max))).collect(),
            features: features.to_vec(),
        }
    }

    /// Whether a key is answered in a version.
    #[must_use]
    pub fn serves(&self, key: i16, version: i16) -> bool {
        self.by_key.get(&key).is_some_and(|(min, max)| (*min..=*max).contains(&version))
    }
}

impl Server {
    pub(crate) fn api_versions(
        &mut self,
        token: NetToken,
        header: &RequestHeader<'_>,
        body: &[u8],
    ) -> Result<(), Close> {
        let mut out = Vec::new();
        if header.is_unsupported_api_versions() {
            api_versions::write_unsupported(&mut out, header.correlation_id);
        } else {
            let request = ApiVersionsRequest::read(header.api_version, body)?;
            let error = if request.is_valid(header.api_version) {
                self.metrics.count_client(request.client_software_name, request.client_software_version);
                ErrorCode::NONE
            } else {
                ErrorCode::INVALID_REQUEST
            };
            let features: Vec<Feature<'_>> = self.api.features.iter().map(feature).collect();
            let (apis, features) =
                if error.is_none() { (&self.api.ranges[..], &features[..]) } else { (&[][..], &[][..]) };
            api_versions::write(&mut out, header.api_version, header.correlation_id, error, apis, features);
        }
        let connection = self.connection(token).expect("its frame is being read");
        let (id, slot) = (connection.id, connection.begin());
        self.answer(token, id, slot, vec![Piece::Owned(out)]);
        Ok(())
    }
}

fn feature((name, min, max, finalized): &(String, i16, i16, i16)) -> Feature<'_> {
    Feature { name, min: *min, max: *max, finalized: *finalized }
}
