"""Who is held out of every marketing contact? A hash of salt and customer, so it never flips."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from patronage.customize.deciding import Bools
from patronage.customize.models import Holdout
from patronage.science.arbitration import Hashes, holdout_arm
from patronage.vocabulary.company import Company

NAME: Final = "universal"


def universal_holdout(company: Company, now: datetime) -> Holdout:
    """The company's holdout; made once from its salt and share, and never changed after."""
    made, _ = Holdout.objects.get_or_create(
        name=NAME,
        defaults={
            "salt": company.holdout_salt,
            "share": company.holdout_share,
            "starts_at": now,
        },
    )
    return made


def held_out(holdout: Holdout, customer_ids: Sequence[str] | Hashes) -> Bools:
    """Which of the customers are held out; their `hash_ids` do as well as their ids."""
    return holdout_arm(customer_ids, holdout.salt, holdout.share)
