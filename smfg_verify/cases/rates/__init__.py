"""Claims about rates of AC-SMFG."""
