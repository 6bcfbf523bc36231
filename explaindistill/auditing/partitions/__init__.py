"""Audits of rows in partitions: what adds up is counted on all rows, all else is measured on rows drawn from them."""
