"""Fuzzing: damaged files, odd fits and odd command lines, each named by its number."""
