"""Views of one frozen audit: HTML, Markdown, JSON and the notebook."""
