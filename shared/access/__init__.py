"""Who may: callers and their roles, links that open one thing, and signed tokens."""
