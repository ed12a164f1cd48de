"""Formulas: numbers that carry their expressions, and how these are simplified and written."""
