"""The one place where the version stands: distribution, command line, records and traces read it here."""

__version__ = "0.1.0"
