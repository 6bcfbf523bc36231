"""Room asking."""
