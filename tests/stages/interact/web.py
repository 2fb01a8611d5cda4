"""Calls the API as somebody in a role."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.test import Client

from patronage.access.keys import create_key
from patronage.access.models import User
from patronage.access.roles import SYSTEM, Role

from .world import LONG_AGO


class Web:
    """Calls the API with a key of some role."""

    def __init__(self, role: Role, now: datetime) -> None:
        user = User.objects.create(email=f"{role}@example.com", name=role, created_at=now)
        user.grants.create(role=role, starts_at=LONG_AGO, granted_by="system", reason="tests")
        _, raw = create_key(actor=SYSTEM, now=now, label="tests", role=role, user=user)
        self._client = Client(headers={"authorization": f"Bearer {raw}"})

    def post(self, path: str, key: str = "", **body: Any) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        return self._client.post(
            f"/api/v1/{path}", body, content_type="application/json", headers=headers
        )

    def get(self, path: str) -> Any:
        return self._client.get(f"/api/v1/{path}")
