"""Room explaining."""
