"""What several cases use: random games, runs, statistics of errors."""
