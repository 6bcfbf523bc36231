"""Dated rule sets: the arithmetic and the tables that a rule names, with its source; no verdict about the law."""
