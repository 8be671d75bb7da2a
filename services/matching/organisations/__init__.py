"""Organisations: their profiles and people, who may see and change them, and how they came in."""
