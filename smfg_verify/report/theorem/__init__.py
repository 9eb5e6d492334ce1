"""The theorem's constants and its bound beside a run: tables, and bound.json."""
