"""Audits of objects that are no rows: measured on the columns of their domain, asked about with objects."""
