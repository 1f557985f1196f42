"""Sealing: key providers, one key per subject, sealed columns, contents and streams, blind index."""
