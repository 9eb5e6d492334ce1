"""The theorem of docs/theorem.md: its constants from certified findings, unrolled beside a run."""
