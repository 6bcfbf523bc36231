"""Room auditing."""
