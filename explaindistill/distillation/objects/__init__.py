"""Objects of a domain on their way through a fit: as rows, to the teacher, and as columns that the student sees."""
