"""The team that runs the service: what waits for a person, never what a dossier contains."""
