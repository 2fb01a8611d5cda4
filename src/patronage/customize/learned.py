"""What is a tested block learned to cost? A higher room knows what customers did; the gate asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from patronage.access.ports import Question
from patronage.customize.models import Ruling

#: So many customers in the share, read out, before anything is said.
FEWEST: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedCost:
    """What customers brought in the windows that were read out, in the share and outside it.

    Money in minor units; None where it is too early to say.
    """

    #: customers and windows for whom the block was lifted, and for whom it was not
    lifted: int
    blocked: int
    #: margin after the contact's cost, a customer and window, that the block costs; 95 % interval
    each_minor: float | None
    each_low_minor: float | None
    each_high_minor: float | None

    @property
    def is_enough(self) -> bool:
        """Whether there is enough to say something."""
        return self.each_minor is not None

    @property
    def total_minor(self) -> int | None:
        """What the block has cost so far: of all for whom it was not lifted."""
        return _times(self.each_minor, self.blocked)

    @property
    def low_minor(self) -> int | None:
        """The lower end of its interval."""
        return _times(self.each_low_minor, self.blocked)

    @property
    def high_minor(self) -> int | None:
        """The upper end of its interval."""
        return _times(self.each_high_minor, self.blocked)


def _times(each: float | None, count: int) -> int | None:
    return None if each is None else round(each * count)


#: what a block with a test share has cost so far
cost_of_block: Question[[Ruling], LearnedCost] = Question("cost_of_block", mandatory=False)


def learned_cost(ruling: Ruling) -> LearnedCost | None:
    """Give what a block is learned to cost; None where it is not tested, or no room answers."""
    if not ruling.test_share or not cost_of_block.handled:
        return None
    return cost_of_block.ask(ruling)
