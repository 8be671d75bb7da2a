"""Who signs up: recognising organisations, and our copy of what matching says of them."""
