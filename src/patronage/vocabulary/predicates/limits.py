"""How big may a rule and its numbers be? The bounds that keep every engine exact and safe."""

#: Characters of a rule's text.
LONGEST_TEXT = 10_000
#: Words, numbers, signs and parentheses of a rule outside its lists: what keeps reading the worst
#: of texts below 10 ms.
MOST_WORDS = 400
#: Constants of all its lists together.
MOST_LISTED = 500
#: Levels of nesting: parentheses in text, nodes in a tree.
DEEPEST_NESTING = 64
#: NOTs or signs in a row.
MOST_PREFIXES = 8
#: Nodes of a stored tree; a text of the most words has fewer.
MOST_NODES = 2_000
#: Literals: below 2**53, so that every engine turns them into the same double.
LARGEST_LITERAL = 2**53 - 1
SMALLEST_LITERAL = 1e-15
#: Longest interval written in a rule: about 10,000 years.
LARGEST_INTERVAL_DAYS = 3_660_000
#: Numbers of a record that arithmetic uses; one outside is unknown to arithmetic. With the
#: bounds on a whole expression below, no engine can overflow or underflow, which PostgreSQL
#: would answer with an error and others with infinity or zero.
LARGEST_OPERAND = 1e30
SMALLEST_OPERAND = 1e-30
#: A divisor closer to zero counts as zero: the quotient is unknown.
SMALLEST_DIVISOR = 1e-9
#: Decimal exponent that no expression may reach, in either direction.
LARGEST_EXPONENT = 300.0
#: The largest finite double: what is beyond is infinite or not a number, thus unknown.
LARGEST_DOUBLE = 1.7976931348623157e308
