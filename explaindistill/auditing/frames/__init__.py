"""Room frames."""
