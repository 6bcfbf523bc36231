"""Choosing among students of all families: what a reader's budget admits, who competes, and who wins."""
