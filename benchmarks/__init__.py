"""One script a claim; each prints its figures and, last, one JSON object."""
