"""AC-SMFG under many step sizes at once."""
