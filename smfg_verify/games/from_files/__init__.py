"""Games from a user's file: where they are found, how they are made again in another process."""
