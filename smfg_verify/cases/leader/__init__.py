"""Claims about the leader's gradient."""
