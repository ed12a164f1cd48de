"""Budgets and baselines: what a model may cost, and what it cost before."""
