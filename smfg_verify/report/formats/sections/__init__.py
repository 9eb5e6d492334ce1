"""What a document says, section by section, out of the saved record; nothing is computed here."""
