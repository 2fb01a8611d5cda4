"""Who gets what when budgets and capacities are scarce: a plan, its prices and a certificate."""

from patronage.science.allocation.problem import Certificate, Limit, Plan, Problem
from patronage.science.allocation.solve import allocate

__all__ = ["Certificate", "Limit", "Plan", "Problem", "allocate"]
