"""Figures from records; nothing is computed here."""
