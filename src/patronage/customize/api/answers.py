"""What the resources of this stage share: the router, strict bodies, answers as JSON."""

from __future__ import annotations

import json
from typing import Annotated, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import ConfigDict, Field

router = Router(tags=["customize"])
#: Ids that paths carry.
Id = Annotated[str, Field(min_length=1, max_length=40)]


class Strict(Schema):
    """A body in which an unknown key is refused."""

    model_config = ConfigDict(extra="forbid")


def answer(content: dict[str, Any], status: int = 200) -> HttpResponse:
    """A document as JSON."""
    return HttpResponse(as_json(content), status=status, content_type="application/json")


def as_json(content: dict[str, Any]) -> str:
    """The same as text."""
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False)
