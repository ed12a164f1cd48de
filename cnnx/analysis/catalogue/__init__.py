"""The catalogue: every spec and variant with its figures, read, chosen from and kept between runs."""
