"""Profiles: a network's parts, what they cost and took, and the roofline above them."""
