"""The router of the stage's resources."""

from ninja import Router

router = Router(tags=["access"])
