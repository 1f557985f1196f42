"""What was taken away stays taken away, whatever is restored: a numbered journal outside the database."""
