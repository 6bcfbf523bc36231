"""Chapters of the report: a file here with ``section(audit) -> Section`` is a chapter, and nothing else is needed."""
