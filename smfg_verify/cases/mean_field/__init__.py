"""Claims about the mean field."""
