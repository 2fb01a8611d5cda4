"""The fence: whom no mass contact reaches, and who came in or left."""

from __future__ import annotations

from ninja import Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions
from patronage.govern.api.router import router
from patronage.govern.reads.fence import (
    Fence,
    FencePlace,
    FenceStep,
    fence_changes,
    fence_place,
    fences,
)


class NewFencePlace(Schema):
    """Within the fence or outside; null lets the value decide again."""

    inside: bool | None
    reason: str = Field(max_length=400)


@router.get("/fences", response=list[Fence], summary="Show whom no mass contact reaches")
def fence_list(request: CallerRequest) -> list[Fence]:
    return fences(request.actor, request.now)


@router.get(
    "/fence-changes", response=list[FenceStep], summary="Show who came within the fence or left it"
)
def changes(request: CallerRequest) -> list[FenceStep]:
    return fence_changes(request.actor, request.now)


@router.get(
    "/customers/{customer_id}/fence",
    response=FencePlace,
    summary="Say whether a customer is within the fence",
)
def place(request: CallerRequest, customer_id: str) -> FencePlace:
    return fence_place(request.actor, customer_id, request.now)


@router.post(
    "/customers/{customer_id}/fence",
    response={201: FencePlace},
    summary="Put a customer within the fence or take them out",
)
def set_place(request: CallerRequest, customer_id: str, new: NewFencePlace) -> Status[FencePlace]:
    actions.set_fence(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        inside=new.inside,
        reason=new.reason,
    )
    return Status(201, fence_place(request.actor, customer_id, request.now))
