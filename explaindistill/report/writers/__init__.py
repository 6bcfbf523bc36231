"""Writers: an audit as Markdown, model card, JSON and CSV; the page is ``report/page.py``."""
