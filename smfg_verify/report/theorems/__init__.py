"""The theorems that cover a game or do not, as tables and files."""
