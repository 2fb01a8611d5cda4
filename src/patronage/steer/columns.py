"""One portfolio's statement, or the sum of several: lines, chance, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patronage.science.equity import UNATTRIBUTABLE, luck_band, return_on_customer
from patronage.steer.models import LINES, PortfolioMeasure, Scorecard


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnView:
    """Return on Customer, or why there is none, beside what time alone makes of it."""

    #: 0.12 being 12 %; None where undetermined
    rate: float | None
    #: why the rate is None
    reason: str | None
    #: numerator, minor units
    gain: int
    #: denominator, minor units
    base: int
    #: what it would be had everything come as expected; None where undetermined
    expected_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """A line of experience beside what chance alone would do; minor units."""

    amount_minor: int
    #: standard deviation under the opening's model
    spread_minor: int
    #: chance stays within this of 0 in 19 of 20 quarters
    reach_minor: int
    #: whether the amount lies outside
    is_signal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One portfolio's bridge, or the sum of several; money in minor units."""

    #: None for a sum
    portfolio_id: str | None
    portfolio: str
    #: who answered for it at the date; None for a sum
    manager: str | None
    #: each of `steer.models.LINES`, in the statement's order
    amounts_minor: Mapping[str, int]
    #: opening and movements less closing: 0
    checksum_minor: int
    #: margin earned in the quarter with the customers held at the date
    realised_margin_minor: int
    #: what was expected of them; None without an opening
    expected_margin_minor: int | None
    #: margin earned in the quarter, each customer's while they were held
    margin_while_held_minor: int
    #: of the contacts sent meanwhile, those to customers without a value included
    contact_cost_minor: int
    #: of the customers won; None where the company does not say
    acquisition_cost_minor: int | None
    #: what can be paid for: margin against expected, experience, customers won; None without an
    #: opening
    paid_for_minor: int | None
    #: on the value of whole lifetimes
    return_on_customer: ReturnView
    #: on the value of the declared horizon, which also earns the days by which it moves on
    window_return: ReturnView
    #: experience in frequency and in spend; None without an opening
    frequency: Luck | None
    spend: Luck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """What a column is of."""

    portfolio_id: str | None
    portfolio: str
    manager: str | None


def column(
    whose: Whose,
    amounts: Mapping[str, int],
    cards: Sequence[Scorecard],
    measured: Sequence[PortfolioMeasure],
    *,
    has_opening: bool,
) -> Column:
    """Put the figures of some portfolios together."""
    expected = [
        card.expected_margin_minor for card in cards if card.expected_margin_minor is not None
    ]
    acquired = _sum_if_known([each.acquisition_cost_minor for each in measured])
    margin = sum(each.realised_margin_minor for each in measured)
    contacts = sum(each.contact_cost_minor for each in measured)
    after_costs = margin - contacts - (acquired or 0)
    return Column(
        portfolio_id=whose.portfolio_id,
        portfolio=whose.portfolio,
        manager=whose.manager,
        amounts_minor=amounts,
        checksum_minor=sum(amounts[name] for name in LINES[:-1]) - amounts["closing"],
        realised_margin_minor=sum(card.margin_minor for card in cards),
        expected_margin_minor=sum(expected) if len(expected) == len(cards) > 0 else None,
        margin_while_held_minor=margin,
        contact_cost_minor=contacts,
        acquisition_cost_minor=acquired,
        paid_for_minor=_sum_if_known([each.paid_for_minor for each in measured]),
        return_on_customer=_lifetime_return(after_costs, measured),
        window_return=_window_return(after_costs, amounts, measured),
        frequency=_luck(amounts, measured, "frequency") if has_opening else None,
        spend=_luck(amounts, measured, "spend") if has_opening else None,
    )


def _sum_if_known(figures: Sequence[int | None]) -> int | None:
    known = [each for each in figures if each is not None]
    return sum(known) if len(known) == len(figures) > 0 else None


def _luck(amounts: Mapping[str, int], measured: Sequence[PortfolioMeasure], which: str) -> Luck:
    variance = sum(float(getattr(each, f"{which}_variance")) for each in measured)
    band = luck_band(amounts[f"experience_{which}"], variance)
    return Luck(
        amount_minor=band.figure,
        spread_minor=round(band.spread),
        reach_minor=round(band.reach),
        is_signal=band.is_signal,
    )


def _lifetime_return(margin: int, measured: Sequence[PortfolioMeasure]) -> ReturnView:
    figures = {
        name: _sum_if_known([getattr(each, f"lifetime_{name}_minor") for each in measured])
        for name in ("opening", "closing", "hand_overs", "weighted_hand_overs", "unattributable")
    }
    time = _sum_if_known([each.lifetime_time_minor for each in measured])
    if any(each is None for each in figures.values()):
        reason = "Nothing is known of whole lifetimes: there is no opening, or no discount rate."
        return ReturnView(rate=None, reason=reason, gain=0, base=0, expected_rate=None)
    known = {name: each or 0 for name, each in figures.items()}
    return _returned(
        margin=margin,
        opening=known["opening"],
        closing=known["closing"],
        hand_overs=known["hand_overs"],
        weighted=known["weighted_hand_overs"],
        unattributable=known["unattributable"],
        time=time or 0,
    )


def _window_return(
    margin: int, amounts: Mapping[str, int], measured: Sequence[PortfolioMeasure]
) -> ReturnView:
    return _returned(
        margin=margin,
        opening=amounts["opening"],
        closing=amounts["closing"],
        hand_overs=amounts["hand_overs"],
        weighted=sum(each.weighted_hand_overs_minor for each in measured),
        unattributable=sum(amounts[name] for name in UNATTRIBUTABLE),
        time=amounts["unwinding"] + amounts["roll_forward"],
    )


def _returned(
    *,
    margin: int,
    opening: int,
    closing: int,
    hand_overs: int,
    weighted: int,
    unattributable: int,
    time: int,
) -> ReturnView:
    found = return_on_customer(
        realised_margin=margin,
        opening=opening,
        closing=closing,
        hand_overs=hand_overs,
        time_weighted_hand_overs=weighted,
        not_attributable=unattributable,
    )
    return ReturnView(
        rate=found.rate,
        reason=found.reason,
        gain=found.gain,
        base=found.base,
        # Had it all come as expected, the margin would be what the value lost by being earned.
        expected_rate=None if found.rate is None else time / found.base,
    )
