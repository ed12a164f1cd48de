"""Models that cnnx did not build: their names, parts and figures."""
