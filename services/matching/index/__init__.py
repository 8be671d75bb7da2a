"""The engine's index in this process: read from the profiles, built, saved and kept up to date."""
