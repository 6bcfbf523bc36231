"""Makers of believable rows in the teacher's own input space."""
