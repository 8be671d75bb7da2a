"""Telling somebody of a new strong partner: who is to be told, and what was found."""
