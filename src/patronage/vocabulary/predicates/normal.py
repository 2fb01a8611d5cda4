"""How is a condition looked at from inside? The same tree with every NOT pushed to its leaves.

Three-valued logic keeps De Morgan's laws, so that the answers stay the same, unknown included.
"""

from __future__ import annotations

from patronage.vocabulary.predicates.nodes import All, Always, Condition, Not, Some


def normal(node: Condition, *, turned: bool = False) -> Condition:
    """Give the condition (turned: its opposite) with NOT around leaves only.

    AND directly within AND and OR directly within OR become one.
    """
    match node:
        case Not(part):
            return normal(part, turned=not turned)
        case Always(value):
            return Always(value is not turned)
        case All(parts) | Some(parts):
            kind = Some if isinstance(node, All) is turned else All
            inner = (normal(part, turned=turned) for part in parts)
            return kind(tuple(leaf for part in inner for leaf in _spread(part, kind)))
        case _:
            return Not(node) if turned else node


def _spread(part: Condition, kind: type[All | Some]) -> tuple[Condition, ...]:
    return part.parts if isinstance(part, All | Some) and type(part) is kind else (part,)
