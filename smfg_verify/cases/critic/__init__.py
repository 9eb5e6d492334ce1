"""Claims about the critic."""
