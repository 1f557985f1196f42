"""The counter: opening a dossier for somebody who stands there, and nothing of what it contains."""
