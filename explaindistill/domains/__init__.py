"""Domains: objects that are no rows of a table, each with columns that a person reads."""
