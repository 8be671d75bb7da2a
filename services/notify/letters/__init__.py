"""Who is told what: pure functions from a message to the letters it asks for."""
