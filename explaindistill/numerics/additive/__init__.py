"""Room additive."""
