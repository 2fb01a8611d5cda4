"""Do the customers of a group ask for another model than everybody together?

The choice of all is left for a group only where outcomes of the group itself say so: another model
led by log score at past origins, beyond chance, with enough customers, origins and outcomes of
either kind. Models stay those that were fitted to everybody: a group is often made of customers
who bought alike, and a fit to them alone would take that selection for behaviour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.science.lifetime.backtest import OriginResult
from patronage.science.lifetime.forecast_scores import Difference, difference, log_scores
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.panel import IntArray

#: the least of each that a choice of its own rests on
FEWEST_ORIGINS: Final = 3
FEWEST_CUSTOMERS: Final = 100
FEWEST_OF_EITHER: Final = 50
#: chance that any group of all is given a model of its own though none leads anywhere
FALSE_ALARMS: Final = 0.05

LEADS: Final = "leads beyond chance"
NO_LEAD: Final = "no lead beyond chance"
TOO_LITTLE: Final = "too little evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChoice:
    """What the outcomes of one group say."""

    #: the group's label
    group: int
    #: the model to use for it
    chosen: str
    #: one of this module's reasons
    reason: str
    #: origins at which somebody was in it, customers who ever were, and how their rows ended
    origins: int
    customers: int
    happened: int
    did_not: int
    #: mean log score by model, of those that spoke at all of these origins
    scores: Mapping[str, float]
    #: lead of each over the choice of all, bounds so wide that all comparisons of all groups
    #: together go wrong with `FALSE_ALARMS` at most
    leads: Mapping[str, Difference]


def group_choices(
    results: Sequence[OriginResult],
    groups: Mapping[int, IntArray],
    *,
    models: Sequence[str],
    choice: str,
) -> tuple[GroupChoice, ...]:
    """Score the models group by group.

    Arguments: `results` of origins whose outcomes had ended; `groups` by day of the origin, the
    group each customer of the panel was in on that day, shape (customers of the panel,), below 0
    for nobody's; `models` by name; `choice` the model of all.

    Returns one entry a group that anybody was in, by label. Membership is that of the origin's
    own day: who was put into a group because of what came later must not judge what was said
    before.
    """
    spoken = [name for name in models if all(name in each.said for each in results)]
    rivals = [name for name in spoken if name != choice]
    labels = [groups[each.day][each.customers] for each in results]
    known = np.unique(np.concatenate(labels)) if labels else np.empty(0, dtype=np.int64)
    known = known[known >= 0]
    if choice not in spoken:
        return ()
    level = 1.0 - FALSE_ALARMS / max(known.size * len(rivals), 1)
    return tuple(
        _choice(int(group), results, labels, spoken, choice=choice, level=level) for group in known
    )


def _choice(
    group: int,
    results: Sequence[OriginResult],
    labels: Sequence[IntArray],
    spoken: Sequence[str],
    *,
    choice: str,
    level: float,
) -> GroupChoice:
    pairs = [(each, mine == group) for each, mine in zip(results, labels, strict=True)]
    pairs = [(each, inside) for each, inside in pairs if inside.any()]
    customers = [each.customers[inside] for each, inside in pairs]
    came = np.concatenate([each.happened[inside] for each, inside in pairs])
    scores: dict[str, list[FloatArray]] = {
        name: [log_scores(each.said[name][inside], each.happened[inside]) for each, inside in pairs]
        for name in spoken
    }
    leads = {
        name: difference(scores[name], scores[choice], customers, level=level)
        for name in spoken
        if name != choice
    }
    happened, members = int((came > 0).sum()), np.unique(np.concatenate(customers)).size
    best = max(leads, key=lambda name: leads[name].mean, default=choice)
    chosen, reason = choice, NO_LEAD
    if (
        len(pairs) < FEWEST_ORIGINS
        or members < FEWEST_CUSTOMERS
        or min(happened, came.size - happened) < FEWEST_OF_EITHER
    ):
        reason = TOO_LITTLE
    elif best in leads and leads[best].is_better:
        chosen, reason = best, LEADS
    return GroupChoice(
        group=group,
        chosen=chosen,
        reason=reason,
        origins=len(pairs),
        customers=int(members),
        happened=happened,
        did_not=came.size - happened,
        scores={name: float(np.concatenate(each).mean()) for name, each in scores.items()},
        leads=leads,
    )
