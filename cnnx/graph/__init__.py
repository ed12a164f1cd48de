"""From a spec to a flat graph of primitive operations with exact shapes."""
