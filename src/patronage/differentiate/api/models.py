"""The fitted models."""

from __future__ import annotations

from ninja import ModelSchema

from patronage.access.requests import CallerRequest
from patronage.differentiate import reads
from patronage.differentiate.api.router import router
from patronage.differentiate.models import ModelVersion


class ModelRow(ModelSchema):
    """One fit; `converged` false means that it is never used."""

    class Meta:
        model = ModelVersion
        fields = "__all__"


@router.get("/models", response=list[ModelRow], summary="List the fitted models")
def models(request: CallerRequest) -> list[ModelVersion]:
    return reads.model_versions(request.actor)
