"""Where can this person go, and where do they start? Places by role, each with its key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from patronage.access.roles import Actor, Right, Role
from patronage.access.scope import scope_of
from patronage.govern.models import Portfolio


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page one can go to."""

    #: name of the URL, such as "steer:equity"
    url_name: str
    title: Promise
    #: the letter after `g`
    letter: str
    #: who has it in the navigation; any of these rights opens it
    rights: frozenset[Right]
    #: names of the URLs of pages that are views of the same place
    views: tuple[str, ...] = ()
    #: who has all of it in another place already
    elsewhere: frozenset[Right] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A place as drawn in the navigation of one person."""

    href: str
    title: str
    letter: str
    is_here: bool


_R = Right
PLACES = (
    Place(
        url_name="steer:equity",
        title=gettext_lazy("Equity"),
        letter="e",
        rights=frozenset({_R.SEE_STATEMENTS}),
    ),
    Place(
        url_name="differentiate:value",
        title=gettext_lazy("Value"),
        letter="v",
        rights=frozenset({_R.SEE_PROFITABILITY}),
    ),
    Place(
        url_name="differentiate:models",
        title=gettext_lazy("Models"),
        letter="m",
        rights=frozenset({_R.SEE_PROFITABILITY}),
    ),
    Place(
        url_name="govern:portfolio",
        title=gettext_lazy("Portfolio"),
        letter="p",
        rights=frozenset({_R.SEE_PROFITABILITY}),
        views=(
            "govern:portfolios",
            "govern:cover",
            "govern:boundaries",
            "govern:assignment",
            "customize:rules",
        ),
    ),
    Place(
        url_name="govern:cover",
        title=gettext_lazy("In charge"),
        letter="p",
        rights=frozenset({_R.ADMINISTER}),
        views=("govern:assignment", "govern:boundaries"),
        elsewhere=frozenset({_R.SEE_PROFITABILITY}),
    ),
    Place(
        url_name="govern:my-levers",
        title=gettext_lazy("Levers"),
        letter="l",
        rights=frozenset({_R.USE_LEVER, _R.GRANT_LEVER}),
        views=("govern:terms",),
    ),
    Place(
        url_name="govern:conflicts",
        title=gettext_lazy("Conflicts"),
        letter="x",
        rights=frozenset({_R.CLAIM, _R.RULE_CONFLICT}),
    ),
    Place(
        url_name="customize:gate",
        title=gettext_lazy("Gate"),
        letter="t",
        rights=frozenset({_R.RULE}),
    ),
    Place(
        url_name="customize:offers",
        title=gettext_lazy("Offers"),
        letter="o",
        rights=frozenset({_R.PROPOSE_OFFER}),
    ),
    Place(
        url_name="govern:boundaries",
        title=gettext_lazy("Boundaries"),
        letter="b",
        rights=frozenset({_R.SEE_OFFERS}),
        elsewhere=frozenset({_R.SEE_PROFITABILITY, _R.ADMINISTER}),
    ),
    Place(
        url_name="identify:imports",
        title=gettext_lazy("Imports"),
        letter="i",
        rights=frozenset({_R.SEE_IMPORTS}),
    ),
    Place(
        url_name="learn:read-outs",
        title=gettext_lazy("Read-outs"),
        letter="r",
        rights=frozenset({_R.READ_OUT}),
    ),
    Place(
        url_name="steer:cycles",
        title=gettext_lazy("Loop"),
        letter="c",
        rights=frozenset({_R.DECIDE_EVERYBODY, _R.DELIVER, _R.SEE_CYCLES}),
    ),
    Place(
        url_name="people",
        title=gettext_lazy("People"),
        letter="w",
        rights=frozenset({_R.ADMINISTER}),
    ),
    Place(
        url_name="audit",
        title=gettext_lazy("Audit"),
        letter="a",
        rights=frozenset({_R.SEE_AUDIT}),
    ),
    Place(
        url_name="identify:privacy",
        title=gettext_lazy("Privacy"),
        letter="y",
        rights=frozenset({_R.ERASE}),
    ),
    Place(
        url_name="search",
        title=gettext_lazy("Search"),
        letter="s",
        rights=frozenset({_R.SEE_CUSTOMERS}),
    ),
)
#: where a person with the role lands; with several roles the first of this order counts
HOMES = {
    Role.MANAGER: "govern:portfolio",
    Role.KEY_ACCOUNT_MANAGER: "govern:portfolio",
    Role.EXECUTIVE: "steer:equity",
    Role.OFFER_OWNER: "customize:offers",
    Role.AGENT: "search",
    Role.COMPLAINT_HANDLER: "search",
    Role.ANALYST: "steer:equity",
    Role.ADMINISTRATOR: "identify:imports",
    Role.CAPABILITIES_MANAGER: "steer:cycles",
}


def places_for(actor: Actor, path: str) -> tuple[Link, ...]:
    """The places this person may open, in the order of the navigation."""
    links = []
    for place in PLACES:
        href = address_of(place.url_name)
        opens = any(map(actor.may, place.rights)) and not any(map(actor.may, place.elsewhere))
        if href is not None and opens:
            views = [address_of(each) for each in place.views]
            here = any(at and _is_below(path, at) for at in (href, *views))
            links.append(Link(href=href, title=str(place.title), letter=place.letter, is_here=here))
    return tuple(links)


def _is_below(path: str, address: str) -> bool:
    return path == address or path.startswith(address.rstrip("/") + "/")


def home_of(actor: Actor) -> str | None:
    """The address where this person starts the day; None when none of their roles has a page."""
    for role, url_name in HOMES.items():
        if role in actor.roles:
            return address_of(url_name) or reverse("search")
    return None


def scope_words(actor: Actor, now: datetime) -> str:
    """Whose customers this person sees, in words."""
    scope = scope_of(actor, now)
    if scope.everything:
        return _("All customers")
    names = list(
        Portfolio.objects.filter(pk__in=scope.portfolio_ids)
        .order_by("position")
        .values_list("name", flat=True)
    )
    if not names:
        return _("No customers")
    if len(names) <= 2:
        return " · ".join(names)
    return ngettext("%(count)d portfolio", "%(count)d portfolios", len(names)) % {
        "count": len(names)
    }


def address_of(url_name: str, *args: str) -> str | None:
    """The address of a page; None where its stage has no such page."""
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return None
