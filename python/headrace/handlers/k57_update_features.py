"""UpdateFeatures (key 57, v0-2): change finalized levels of the cluster's features, all or none (KIP-584).

v0  `allow_downgrade`, which Kafka reads as an upgrade all the same
v1  upgrade types and validate-only (KIP-778)
v2  no result for each feature any more
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.controller.decide_features import FeatureUpdate
from headrace.handlers.call import Operation
from headrace.model.errors import Error, Refusal
from headrace.wire.messages.k57_update_features import (
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)

if TYPE_CHECKING:
    from headrace.handlers.call import Call


async def handle(call: Call, request: UpdateFeaturesRequest) -> UpdateFeaturesResponse:
    if not call.may_cluster(Operation.ALTER):
        raise Refusal(Error.CLUSTER_AUTHORIZATION_FAILED)
    wanted = [
        FeatureUpdate(update.feature, update.max_version_level, update.upgrade_type)
        for update in request.feature_updates
    ]
    await call.services.controller.update_features(wanted, validate_only=request.validate_only)
    named = [update.feature for update in request.feature_updates] if call.api_version <= 1 else []
    return UpdateFeaturesResponse(
        error_message=None,
        results=[UpdatableFeatureResult(name, Error.NONE, Error.NONE.name) for name in named],
    )


def refused(request: UpdateFeaturesRequest, error: Error, message: str | None) -> UpdateFeaturesResponse:
    del request
    return UpdateFeaturesResponse(error_code=error, error_message=message, results=[])
