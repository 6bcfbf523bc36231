"""Room trees."""
