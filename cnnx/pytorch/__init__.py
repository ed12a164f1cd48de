"""From a graph to an `nn.Module`; counters, latency and memory measured on it. No printing."""
