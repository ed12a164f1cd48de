"""The command line: one thin file a command, on top of everything. It parses, calls and prints; it computes nothing."""
