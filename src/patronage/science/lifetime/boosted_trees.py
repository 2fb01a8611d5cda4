"""Boosted trees as numbers: grown by scikit-learn, kept as JSON, and answered without it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import expit

from patronage.science.lifetime.histories import FloatArray

#: what is kept of a node: column asked, threshold, left and right child (0 in a leaf), its value
Node = tuple[int, float, int, int, float]

_LEAF: Final = 0


class NoBoostedTrees(ImportError):
    """scikit-learn is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "The challenger needs scikit-learn, which comes with `pip install 'patronage[app]'`; "
            "without it, run the backtest with challenger=False."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedTrees:
    """Log odds: a start, and what each tree adds."""

    start: float
    #: nodes of each tree, the root first; whoever is at most at the threshold goes left
    trees: tuple[tuple[Node, ...], ...]

    @classmethod
    def grow(cls, columns: FloatArray, happened: FloatArray, *, seed: int) -> "BoostedTrees":
        """Grow a hundred trees of at most four leaves.

        Arguments: `columns` of shape (rows, k), finite; `happened` of shape (rows,), above 0 where
        it did; `seed`.

        Raises `NoBoostedTrees` where scikit-learn is missing, `ValueError` for columns that are
        not finite.
        """
        try:
            from sklearn.ensemble import HistGradientBoostingClassifier
            from threadpoolctl import threadpool_limits
        except ImportError as error:
            raise NoBoostedTrees from error
        if not np.isfinite(columns).all():
            rows = int((~np.isfinite(columns)).any(axis=1).sum())
            raise ValueError(f"Facts are not finite numbers in {rows} of {len(columns)} rows.")
        grown = HistGradientBoostingClassifier(
            learning_rate=0.03,
            max_iter=100,
            max_leaf_nodes=4,
            min_samples_leaf=200,
            l2_regularization=10.0,
            early_stopping=False,
            random_state=seed,
        )
        # Trees this small are slower on several threads, which wait for each other.
        with threadpool_limits(1):
            grown.fit(columns, happened > 0)
        return cls.of(grown)

    @classmethod
    def of(cls, grown: Any) -> "BoostedTrees":
        """What scikit-learn's fitted histogram classifier of two classes holds.

        It has no public way to its nodes; a test compares every answer with its own.
        """
        return cls(
            start=float(grown._baseline_prediction.item()),
            trees=tuple(
                tuple(
                    (
                        int(node["feature_idx"]),
                        float(node["num_threshold"]),
                        int(node["left"]),
                        int(node["right"]),
                        float(node["value"]),
                    )
                    for node in tree.nodes
                )
                for (tree,) in grown._predictors
            ),
        )

    def probability(self, columns: FloatArray) -> FloatArray:
        """Probabilities at these columns, shape (rows,): scikit-learn's own, to the last bit."""
        odds = np.full(columns.shape[0], self.start)
        for tree in self.trees:
            odds += _answer(tree, 0, columns)
        said: FloatArray = expit(odds)
        return said

    def stored(self) -> dict[str, Any]:
        """JSON-safe."""
        return {"start": self.start, "trees": [[list(n) for n in tree] for tree in self.trees]}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "BoostedTrees":
        """What `stored` gave."""
        return cls(
            start=float(stored["start"]),
            trees=tuple(
                tuple(
                    (int(column), float(threshold), int(left), int(right), float(value))
                    for column, threshold, left, right, value in tree
                )
                for tree in stored["trees"]
            ),
        )


def _answer(tree: tuple[Node, ...], place: int, columns: FloatArray) -> FloatArray | float:
    column, threshold, left, right, value = tree[place]
    if left == _LEAF:
        return value
    chosen: FloatArray = np.where(
        columns[:, column] <= threshold,
        _answer(tree, left, columns),
        _answer(tree, right, columns),
    )
    return chosen
