"""How are things named? Random, prefixed ids that say what they name and never count."""

import re
import secrets
from enum import StrEnum

#: Crockford's base 32 in lower case: no i, l, o or u, so that a person can read an id aloud,
#: and no upper case, so that file systems and collations that fold case cannot confuse two ids.
_ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"
#: 22 characters of 5 bits: 110 random bits. A billion ids collide with probability 4e-16.
_LENGTH = 22
#: 256 is a multiple of 32, so mapping a random byte to its low five bits stays uniform.
_BYTE_TO_CHARACTER = bytes(_ALPHABET[byte & 31] for byte in range(256))
_BODY = re.compile(f"[{_ALPHABET.decode()}]{{{_LENGTH}}}")


class IdPrefix(StrEnum):
    """Every kind of thing that has an id. The list is closed: a new noun is a new line here."""

    ACCOUNT = "acc"
    ACCOUNT_DELEGATION = "acd"
    API_KEY = "key"
    ASSESSMENT = "asm"
    ASSIGNMENT_POLICY = "apl"
    ASSUMPTION = "asu"
    AUDIT = "aud"
    BACKTEST = "bkt"
    BID = "bid"
    BOUNDARY = "bnd"
    BUDGET = "bud"
    CAMPAIGN = "cmp"
    CAPABILITY = "cap"
    CASE = "cas"
    CHANNEL = "chn"
    CLAIM = "clm"
    CONFLICT = "cfl"
    CONSENT = "cns"
    CONTACT = "con"
    CONTRACT = "ctr"
    CONTROL_TOTAL = "ctl"
    COVER = "cov"
    CUSTOMER = "cus"
    DATASET = "dat"
    DECISION = "dec"
    ERASURE = "era"
    EVENT = "evt"
    EXPERIMENT = "exp"
    FACT = "fct"
    GOAL = "gol"
    HANDOVER = "hnd"
    HOLDOUT = "hld"
    IDENTIFIER = "idn"
    IMPORT = "imp"
    INTERACTION = "int"
    JOB = "job"
    LEVER = "lev"
    LEVER_USE = "lvu"
    MANIFEST = "man"
    MEMBERSHIP = "mem"
    MERGE = "mrg"
    MODEL = "mdl"
    NEED = "ned"
    OBJECTIVE = "obj"
    OFFER = "ofr"
    OFFERING = "ofg"
    OPPORTUNITY = "opp"
    OUTCOME = "out"
    PAY_STATEMENT = "pay"
    PERSON = "usr"
    POLICY = "pol"
    PORTFOLIO = "prt"
    PRICE_TAG = "tag"
    PRODUCT = "prd"
    PRODUCT_TEAM = "tem"
    PROMISE = "prm"
    QUARANTINE = "qua"
    READOUT = "rdo"
    RESERVATION = "rsv"
    RANKING = "rnk"
    RULE = "rul"
    RULING = "rlg"
    RUN = "run"
    SCORECARD = "scr"
    SEGMENT = "seg"
    SERVICE_TIER = "svt"
    SKILL_RATING = "skl"
    SOLUTION = "sol"
    STATEMENT = "stm"
    TRACK = "trk"
    TREATMENT = "trt"
    TRIGGER = "trg"
    VALUATION = "val"
    VISION = "vis"


def new_id(prefix: str) -> str:
    """Give one new id such as ``cus_5k0f…`` (26 characters). Unguessable, never sequential."""
    return new_ids(prefix, 1)[0]


def new_ids(prefix: str, count: int) -> list[str]:
    """Give ``count`` new ids of one kind; a million take a fraction of a second."""
    lead = _known(prefix) + "_"
    if count < 0:
        raise ValueError(f"Cannot make {count} ids: the count must be 0 or more.")
    drawn = secrets.token_bytes(_LENGTH * count).translate(_BYTE_TO_CHARACTER).decode("ascii")
    return [lead + drawn[at : at + _LENGTH] for at in range(0, _LENGTH * count, _LENGTH)]


def id_from(prefix: str, digest: bytes) -> str:
    """Give the id that a keyed digest of 22 bytes stands for; equal digests give equal ids."""
    if len(digest) != _LENGTH:
        raise ValueError(f"An id is made of {_LENGTH} bytes, found {len(digest)}.")
    return f"{_known(prefix)}_{digest.translate(_BYTE_TO_CHARACTER).decode('ascii')}"


def is_id(text: object, prefix: str) -> bool:
    """Say whether ``text`` is a well-formed id of this kind. It may still name nothing."""
    lead = _known(prefix) + "_"
    return (
        isinstance(text, str)
        and text.startswith(lead)
        and _BODY.fullmatch(text, len(lead)) is not None
    )


def _known(prefix: str) -> str:
    try:
        return IdPrefix(prefix).value
    except ValueError as error:
        known = ", ".join(sorted(IdPrefix))
        raise ValueError(
            f"{prefix!r} is not an id prefix. Use one of {known}, "
            "or add the new noun to patronage.vocabulary.ids.IdPrefix."
        ) from error
