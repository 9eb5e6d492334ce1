"""The one place where the version stands: distribution, command line, records and traces read it here."""

__version__ = "0.2.0"
