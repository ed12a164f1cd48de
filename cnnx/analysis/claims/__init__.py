"""What specs, papers and articles state, held against what cnnx computes."""
