"""Claims about the follower."""
