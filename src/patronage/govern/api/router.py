"""The one router that the resources of this stage hang on."""

from ninja import Router

router = Router(tags=["govern"])
