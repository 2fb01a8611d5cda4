"""Is a tree small enough? Refuses trees that are too deep or have too many parts."""

from __future__ import annotations

from patronage.vocabulary.predicates.errors import PredicateError
from patronage.vocabulary.predicates.lexer import refuse_many_words
from patronage.vocabulary.predicates.limits import (
    DEEPEST_NESTING,
    LONGEST_TEXT,
    MOST_NODES,
)
from patronage.vocabulary.predicates.nodes import Condition, Node, children
from patronage.vocabulary.predicates.text import condition_text
from patronage.vocabulary.predicates.types import Refuse
from patronage.vocabulary.sentences import Sentence, as_sentence


def refuse_shape(root: Node, refuse: Refuse) -> None:
    """Refuse a tree with more levels or nodes than every engine can take. Does not recurse."""
    level, depth, count = [root], 0, 0
    while level:
        depth += 1
        count += len(level)
        # The root and the leaves' own level come on top of the levels of nesting.
        if depth > DEEPEST_NESTING + 2:
            refuse(
                level[0],
                Sentence(
                    "The rule is nested more than %(deepest_nesting)s levels deep.",
                    deepest_nesting=DEEPEST_NESTING,
                ),
                "Split it into several rules.",
            )
        if count > MOST_NODES:
            refuse(
                root,
                Sentence(
                    "The rule has more than %(most_nodes)s parts.", most_nodes=f"{MOST_NODES:,}"
                ),
                "Split it into several rules.",
            )
        level = [child for node in level for child in children(node)]


def refuse_length(root: Condition, refuse: Refuse) -> None:
    """Refuse a rule whose canonical text is too long to be read back: it is what editors show."""
    text = condition_text(root)
    length = len(text)
    if length > LONGEST_TEXT:
        refuse(
            root,
            Sentence(
                "Written out, the rule has %(length)s characters, the most is %(longest_text)s.",
                length=f"{length:,}",
                longest_text=f"{LONGEST_TEXT:,}",
            ),
            "Split it into several rules.",
        )
    try:
        refuse_many_words(text)
    except PredicateError as error:
        refuse(
            root,
            Sentence(
                "Written out, the rule is too long. %(reason)s", reason=as_sentence(error.reason)
            ),
            error.advice,
        )
