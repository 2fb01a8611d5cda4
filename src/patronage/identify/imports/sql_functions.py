"""Functions that the query engine has and Ibis has no word for."""

from __future__ import annotations

from typing import Any, Final

import ibis


def _timezone(zone: str, local: Any) -> Any:
    """Give the instant at which clocks in a zone show a local time."""


def _try_strptime(text: str, pattern: str) -> Any:
    """Read a local time by a pattern; NULL where the text does not follow it."""


def _make_timestamptz(microseconds: int) -> Any:
    """Give the instant that many microseconds after 1970 began."""


def _chr(code: int) -> Any:
    """Give the character of a code."""


def _builtin(function: Any, name: str, arguments: tuple[str, ...], result: str) -> Any:
    return ibis.udf.scalar.builtin(function, name=name, signature=(arguments, result))


local_to_utc: Final = _builtin(_timezone, "timezone", ("string", "timestamp"), "timestamp('UTC')")
parsed_instant: Final = _builtin(_try_strptime, "try_strptime", ("string", "string"), "timestamp")
instant_at: Final = _builtin(_make_timestamptz, "make_timestamptz", ("int64",), "timestamp('UTC')")
character: Final = _builtin(_chr, "chr", ("int32",), "string")


def zoned_instant(text: Any) -> Any:
    """Read an instant that carries its offset; NULL where the text is none."""
    return text.try_cast("timestamp('UTC')")
