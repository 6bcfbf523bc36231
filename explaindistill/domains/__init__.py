"""Objects that are no rows of a table, and the columns in which a person reads about them."""
