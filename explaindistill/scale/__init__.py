"""Rows in partitions: more than one machine's memory, and more than one machine."""
