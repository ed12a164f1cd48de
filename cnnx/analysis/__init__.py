"""From a graph to records: figures, receptive fields, comparisons. No torch, no printing."""
