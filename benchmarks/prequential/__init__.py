"""Test, then train, on many streams: what ``quality.py`` runs, one protocol for every policy."""
