"""How a customer's history becomes a valuation: pure steps that read and store nothing themselves.

They stand apart from `jobs.py`, which reads and stores, because the bridge replays them too.
"""
