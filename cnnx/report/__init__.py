"""From records to tables and JSON. Computes no figure."""
