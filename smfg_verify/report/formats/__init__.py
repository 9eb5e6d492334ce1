"""A job's results as one document to read: HTML, LaTeX or Markdown, made from the files that the job left."""
