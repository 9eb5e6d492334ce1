"""Tables from records; nothing is computed here."""
