"""Room student."""
