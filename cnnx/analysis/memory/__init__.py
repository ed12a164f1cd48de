"""Memory: which storages live when, at inference and in a training step."""
