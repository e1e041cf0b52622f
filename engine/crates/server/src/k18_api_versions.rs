//! ApiVersions (key 18, v0-4): what this broker answers, and in which versions. Answered here, from what Python said at start.
//!
//! A version above ours is answered in v0's form with UNSUPPORTED_VERSION, as every client expects (KIP-511).

use std::collections::BTreeMap;

use io::NetToken;
use model::ErrorCode;
use wire::{ApiRange, ApiVersionsRequest, Feature, RequestHeader, api_versions};

use crate::connection::Piece;
use crate::server::{Close, Server};

/// The keys that ApiVersions tells, with their versions.
#[derive(Debug)]
pub struct ApiRanges {
    ranges: Vec<ApiRange>,
    by_key: BTreeMap<i16, (i16, i16)>,
}

/// The cluster's features, which the controller's log decides and which may change while the node runs.
#[derive(Debug)]
pub struct Features {
    /// Rises with every change; unknown until the controller has read its log.
    pub epoch: i64,
    /// (name, lowest, highest supported level, finalized level) of each; finalized level 0: none.
    pub levels: Vec<(String, i16, i16, i16)>,
}

impl Default for Features {
    fn default() -> Features {
        Features { epoch: api_versions::EPOCH_UNKNOWN, levels: Vec::new() }
    }
}

impl ApiRanges {
    /// From (key, lowest, highest version).
    #[must_use]
    pub fn new(ranges: &[(i16, i16, i16)]) -> ApiRanges {
        ApiRanges {
            ranges: ranges
                .iter()
                .map(|(key, min, max)| ApiRange { key: *key, min: *min, max: *max })
                .collect(),
            by_key: ranges.iter().map(|(key, min, max)| (*key, (*min, *max))).collect(),
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
            let (version, correlation_id) = (header.api_version, header.correlation_id);
            if error.is_none() {
                let features: Vec<Feature<'_>> = self.features.levels.iter().map(feature).collect();
                let (apis, epoch) = (&self.api.ranges, self.features.epoch);
                api_versions::write(&mut out, version, correlation_id, error, apis, epoch, &features);
            } else {
                let epoch = api_versions::EPOCH_UNKNOWN;
                api_versions::write(&mut out, version, correlation_id, error, &[], epoch, &[]);
            }
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
