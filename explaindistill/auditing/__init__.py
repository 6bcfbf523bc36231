"""Rows, models and a rule in, a frozen record of frames out. Empty: every pytest run loads a plugin through it."""
