"""From YAML to a validated spec: reading, expressions, the model, and finding specs by name."""
