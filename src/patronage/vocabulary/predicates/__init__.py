"""The rule language: a closed subset of SQL, one meaning for one customer and for all."""

from patronage.vocabulary.fields import Field, FieldCatalog, FieldCatalogError
from patronage.vocabulary.predicates.errors import PredicateError, RecordError
from patronage.vocabulary.predicates.predicate import Policy, Predicate

__all__ = [
    "Field",
    "FieldCatalog",
    "FieldCatalogError",
    "Policy",
    "Predicate",
    "PredicateError",
    "RecordError",
]
