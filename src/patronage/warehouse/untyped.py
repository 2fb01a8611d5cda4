"""Which names stand for the tables and expressions of libraries that carry no types?

Ibis and PyArrow ship no type information, so the type checker sees `Any` for everything of
theirs. These aliases say at least which kind of object is meant; they are declared here and
nowhere else, so that they can be replaced in one place when the libraries are typed.
"""

from __future__ import annotations

from typing import Any, TypeAlias

#: An Ibis table expression.
Table: TypeAlias = Any
#: An Ibis expression of any shape: table, column or scalar.
Expression: TypeAlias = Any
#: An Ibis boolean column expression.
Condition: TypeAlias = Any
#: An Ibis backend.
Backend: TypeAlias = Any
#: A `pyarrow.Table`.
ArrowTable: TypeAlias = Any
#: A `pyarrow.RecordBatchReader`.
ArrowReader: TypeAlias = Any
#: What a writer accepts: a `pyarrow.Table`, a `RecordBatchReader`, an iterable of
#: `RecordBatch`, an Ibis table expression or a DuckDB relation.
Source: TypeAlias = Any
