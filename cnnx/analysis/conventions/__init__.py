"""Conventions: what counts as one operation, by cnnx and by other tools."""
