"""What people read: tables, figures and files of each job, rendered from the records they are given."""
