"""Why two fit, from the words that tie them."""
