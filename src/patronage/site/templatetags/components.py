"""`{% load components %}`: the parts pages are built from; each is one small template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms, template
from django.utils.text import slugify

register = template.Library()

#: tone of a badge or notice → the shape beside the word: colour never stands alone
SHAPES = {"good": "●", "info": "◆", "warning": "▲", "bad": "■", "neutral": "○"}


@register.filter
def as_tone(level: str) -> str:
    """The tone of one of Django's message levels."""
    return {"success": "good", "warning": "warning", "error": "bad"}.get(level, "info")


@register.inclusion_tag("site/parts/figure.html")
def figure(
    label: str,
    value: str,
    *,
    movement: str = "",
    direction: str = "",
    since: str = "",
    interval: str = "",
    assumption: str = "",
    note: str = "",
    href: str = "",
) -> dict[str, Any]:
    """One number that answers the page's question.

    `movement` is a formatted change and `direction` "better", "worse" or "" (neither); `since`
    says against what. `interval` marks the value as an estimate. `assumption` is the source of a
    declared assumption behind the number. `href` leads to the rows that make it up.
    """
    arrow = {"better": "▲", "worse": "▼", "": "▪"}[direction]
    return {
        "label": label,
        "value": value,
        "movement": movement,
        "direction": direction,
        "arrow": arrow,
        "since": since,
        "interval": interval,
        "assumption": assumption,
        "note": note,
        "href": href,
    }


@register.inclusion_tag("site/parts/badge.html")
def badge(text: str, tone: str = "neutral") -> dict[str, str]:
    """A state in a word, with a shape: tone good, info, warning, bad or neutral."""
    return {"text": text, "tone": tone, "shape": SHAPES[tone]}


@register.inclusion_tag("site/parts/assumption.html")
def assumption(text: str, source: str) -> dict[str, str]:
    """What rests on a declared assumption: dotted underline, its source on pointing."""
    return {"text": text, "source": source}


@register.inclusion_tag("site/parts/field.html")
def field(bound: forms.BoundField) -> dict[str, Any]:
    """A form field: label, help, control, errors tied to the control for screen readers."""
    described = []
    if bound.help_text:
        described.append(f"{bound.id_for_label}-help")
    if bound.errors:
        described.append(f"{bound.id_for_label}-errors")
    attributes: dict[str, Any] = {}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {
        "bound": bound,
        "control": bound.as_widget(attrs=attributes),
        "is_check": isinstance(bound.field.widget, forms.CheckboxInput),
    }


@register.inclusion_tag("site/parts/customer_field.html")
def customer_field(
    id: str, label: str, *, value: str = "", help: str = "", required: bool = True
) -> dict[str, Any]:
    """Name one customer: typing proposes those in the reader's scope; posted as `customer`."""
    return {"id": id, "label": label, "value": value, "help": help, "required": required}


@register.inclusion_tag("site/parts/action.html", takes_context=True)
def action(
    context: template.Context,
    id: str,
    label: str,
    *,
    post: str,
    title: str,
    reasons: Iterable[Sequence[str]] = (),
    confirm: str = "",
    undo: str = "",
    tone: str = "",
    target: str = "",
    swap: str = "outerHTML",
    name: str = "reason_code",
    body: str = "",
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Two clicks from seeing to deciding: a button that opens a small dialog with reasons ready.

    `reasons` are (value, text) pairs, posted as `name`; a free text goes along as `reason`.
    `undo` says how it is taken back, or that it can't. `target` is the part that htmx swaps with
    the answer (a CSS selector); without one the form posts the page. `body` is a template with
    further fields, `more` the values posted along.
    """
    return {
        "csrf_token": context.get("csrf_token"),
        "id": slugify(id),
        "label": label,
        "post": post,
        "title": title,
        "reasons": list(reasons),
        "confirm": confirm or label,
        "undo": undo,
        "tone": tone,
        "target": target,
        "swap": swap,
        "name": name,
        "body": body,
        "more": more or {},
        "context": context,
    }


@register.inclusion_tag("site/parts/state.html")
def state(
    kind: str, title: str, text: str = "", *, href: str = "", link: str = ""
) -> dict[str, str]:
    """What stands where content would: kind "empty", "loading", "partial" or "failed"."""
    shape = {"empty": "○", "loading": "◌", "partial": "◐", "failed": "■"}[kind]
    return {
        "kind": kind,
        "title": title,
        "text": text,
        "href": href,
        "link": link,
        "shape": shape,
    }


@register.inclusion_tag("site/parts/progress.html")
def progress(done: float, step: str, *, poll: str = "", label: str = "") -> dict[str, Any]:
    """Long work: share done (0 to 1), its step; `poll` answers with the state a second on."""
    return {
        "percent": round(100 * done),
        "step": step,
        "poll": poll,
        "label": label or step,
    }


@register.inclusion_tag("site/parts/notice.html")
def notice(text: str, tone: str = "info") -> dict[str, str]:
    """A sentence in the live region: what has just happened."""
    return {"text": text, "tone": tone, "shape": SHAPES[tone]}


@register.inclusion_tag("site/parts/timeline.html")
def timeline(items: Iterable[Any], *, more: str = "") -> dict[str, Any]:
    """What happened, newest first: items have `at`, `title` and maybe `detail`, `href`, `tone`.

    `more` is the address that answers with the older items.
    """
    return {"items": list(items), "more": more}


@register.inclusion_tag("site/parts/tabs.html")
def tabs(items: Iterable[Any], *, label: str) -> dict[str, Any]:
    """Views of one thing: items have `title`, `href`, `is_here` and maybe `count`."""
    return {"items": list(items), "label": label}


@register.inclusion_tag("site/parts/breadcrumb.html")
def breadcrumb(*pairs: str) -> dict[str, Any]:
    """`{% breadcrumb "Portfolio" its_url "Household 12" %}`: titles and addresses by turns."""
    titles, addresses = pairs[::2], [*pairs[1::2], ""]
    return {"steps": list(zip(titles, addresses, strict=False))}


@register.inclusion_tag("site/parts/column.html", takes_context=True)
def column(
    context: template.Context,
    title: str,
    *,
    sort: str = "",
    number: bool = False,
    default: bool = False,
    can_go: bool = False,
    tip: str = "",
) -> dict[str, Any]:
    """The head of a column.

    `sort` is the value of `?sort=` that orders by it; `default` marks the order without one.
    `can_go` leaves the column out on a narrow window (its cells carry the class `can-go`).
    """
    request = context["request"]
    asked = request.GET.get("sort", "")
    is_sorted = bool(sort) and (asked == sort or (default and not asked))
    query = request.GET.copy()
    query["sort"] = sort
    query.pop("after", None)
    return {
        "title": title,
        "number": number,
        "can_go": can_go,
        "tip": tip,
        "is_sorted": is_sorted,
        "href": f"?{query.urlencode()}" if sort else "",
    }


@register.inclusion_tag("site/parts/pager.html", takes_context=True)
def pager(
    context: template.Context, *, shown: int, total: int | None, next: str | None
) -> dict[str, Any]:
    """How many of how many, and the way to the next page by key (`?after=`)."""
    request = context["request"]
    query = request.GET.copy()
    is_first = "after" not in query
    query.pop("after", None)
    first = query.urlencode()
    if next:
        query["after"] = next
    return {
        "shown": shown,
        "total": total,
        "is_first": is_first,
        "first_href": f"{request.path}?{first}" if first else request.path,
        "next_href": f"{request.path}?{query.urlencode()}" if next else "",
    }


@register.inclusion_tag("site/parts/bar.html")
def bar(share: float | None, *, label: str = "", tone: str = "accent") -> dict[str, Any]:
    """A share of 0 to 1 as a small bar in a cell; the number stands beside it."""
    known = share is not None
    return {
        "width": round(100 * min(1.0, max(0.0, share or 0.0)), 1),
        "known": known,
        "label": label,
        "tone": tone,
    }
