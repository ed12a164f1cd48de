"""Training measured: the time of a step, its memory, the work of the backward pass."""
