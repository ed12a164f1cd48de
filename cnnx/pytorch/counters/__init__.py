"""Counters on the built module, which know nothing of the static rules."""
