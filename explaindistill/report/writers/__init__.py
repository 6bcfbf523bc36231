"""Room writers."""
