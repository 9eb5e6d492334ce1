"""What each primitive of a traced program does to ranges of the machine's numbers."""
