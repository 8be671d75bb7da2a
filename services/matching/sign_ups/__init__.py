"""Who is going to which event, as events tells it; a newcomer gets a profile."""
