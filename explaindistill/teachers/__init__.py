"""Adapters that put a question to a black box and hand back float64 answers."""
