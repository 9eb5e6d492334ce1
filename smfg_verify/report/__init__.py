"""Jobs from a game to a finished report: their settings, their results, tables, figures and JSON."""
