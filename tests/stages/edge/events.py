"""A shop's tracking plan, and ways to send its events."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from patronage.access.roles import SYSTEM
from patronage.identify.events.plans import publish_plan, write_plan

PLAN = """
[events."Order Completed"]
description = "The customer has paid"
means = "order"
[events."Order Completed".order]
order_id = "order_id"
lines = "products"
product = "product_id"
quantity = "quantity"
price = "price"
currency = "currency"
[events."Order Completed".properties]
order_id = { type = "text", required = true, personal = false }
coupon = { type = "text", personal = false, values = ["SPRING", "FALL"] }
note = { type = "text" }
products = { type = "list", required = true }
currency = { type = "text", personal = false }

[events."Product Viewed".properties]
product_id = { type = "text", required = true, personal = false }
"""


def publish(now: datetime, text: str = PLAN) -> int:
    """Put a plan in force."""
    plan = write_plan(actor=SYSTEM, now=now, text=text, reason="tests")
    publish_plan(actor=SYSTEM, now=now, number=plan.number, reason="tests")
    return plan.number


def bought(message: str, user: str = "u-1", price: float = 2.5, **changes: Any) -> dict[str, Any]:
    """An order of two pieces."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": message,
        "userId": user,
        "properties": {
            "order_id": f"order {message}",
            "currency": "USD",
            "products": [{"product_id": "apple", "quantity": 2, "price": price}],
            "note": "leave it with Mrs. Secret",
        },
    } | changes


def batch(*events: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"batch": list(events)} | more).encode()
