"""What each release says to the database, so that the schema of the next one still understands it."""
