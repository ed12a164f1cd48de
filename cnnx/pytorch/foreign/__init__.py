"""Models that cnnx did not build: found by name, counted by what torch dispatches, left as they were."""
