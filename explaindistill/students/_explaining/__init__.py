"""Room _explaining."""
