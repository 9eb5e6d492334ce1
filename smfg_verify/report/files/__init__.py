"""The files of each job: JSON with a schema version, Markdown, figures; nothing is computed here."""
