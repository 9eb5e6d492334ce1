"""The engine of every sampled method: lanes of seeds, chunks compiled on threads, checkpoint files, resumption."""
