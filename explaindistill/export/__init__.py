"""A fitted student as text in another language: each file here is one language, with `generate(student) -> str`."""
