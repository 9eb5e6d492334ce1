"""How results are kept and read back: JSON without loss, documents with a schema, parts of a job, pickles."""
