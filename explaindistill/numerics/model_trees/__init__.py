"""Room model_trees."""
