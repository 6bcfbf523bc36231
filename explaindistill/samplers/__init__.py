"""Samplers: rows made in the teacher's own input space."""
