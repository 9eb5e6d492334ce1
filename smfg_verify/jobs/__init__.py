"""What a command does: its settings, its stages, its record; nothing is drawn or printed here."""
