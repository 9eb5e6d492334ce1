"""What a game's functions reach: code, closures, globals, arrays; the content of the digest."""
