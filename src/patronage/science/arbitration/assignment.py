"""Which arm is a customer in, and who wins a tie: the same answer in every process, on every day.

Both are functions of ids and a salt alone, so no table has to remember them and no order of rows,
restart or re-import can change them.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Ids = Sequence[str] | NDArray[np.str_] | NDArray[np.object_] | Hashes


def hash_ids(ids: Ids) -> Hashes:
    """A stable 64-bit number for each id, without a salt; keep it to hash each id only once.

    Args:
        ids: ``(n,)`` strings; or the ``uint64`` numbers this function gave, returned as they are.

    Returns:
        ``uint64 (n,)``: the first 8 bytes of BLAKE2b of the UTF-8 id, little-endian.

    Raises:
        TypeError: an id is not a string (a missing id has no arm).
    """
    if isinstance(ids, np.ndarray) and ids.dtype == np.uint64:
        return ids.astype(np.uint64, copy=False)
    texts: Sequence[str] = ids.tolist() if isinstance(ids, np.ndarray) else ids
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise TypeError("ids: expected a sequence of strings without missing values")
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def tie_break_hash(customer_ids: Ids, action_ids: Ids, salt: str) -> Hashes:
    """Which of two equal scores wins: a fair, reproducible draw per customer and action.

    Args:
        customer_ids: ``(n,)`` strings, or their :func:`hash_ids`.
        action_ids: ``(k,)`` strings, or their :func:`hash_ids`.
        salt: names the draw (a run, an experiment); another salt gives an independent draw.

    Returns:
        ``uint64 (n, k)``; the larger number wins.
    """
    customers = _mix(hash_ids(customer_ids) ^ _salt("tie:customer", salt))
    actions = _mix(hash_ids(action_ids) ^ _salt("tie:action", salt))
    return _mix(customers[:, np.newaxis] ^ actions[np.newaxis, :])


def holdout_arm(customer_ids: Ids, salt: str, share: float) -> NDArray[np.bool_]:
    """Which customers are held out: the same ones for ever, for this salt.

    Args:
        customer_ids: ``(n,)`` strings, or their :func:`hash_ids`.
        salt: names the holdout; arms of different salts are independent of each other.
        share: share held out, 0 to 1. A larger share holds the same customers and more.

    Returns:
        ``bool (n,)``, True where held out; each customer independently with probability ``share``.

    Raises:
        ValueError: ``share`` is outside 0 to 1.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share: found {share}; expected a share from 0 to 1")
    draws = _mix(_mix(hash_ids(customer_ids) ^ _salt("holdout", salt)))
    uniform = (draws >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.asarray(uniform < share, dtype=np.bool_)


def _salt(purpose: str, salt: str) -> np.uint64:
    # The purpose keeps a holdout and a tie-break of the same salt independent of each other.
    return np.uint64(hash_ids([f"{purpose}\x00{salt}"])[0])


def _mix(numbers: Hashes) -> Hashes:
    """The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)
