"""Ways in: what proves who calls, made and ended here: the keys of other systems, and who signed in."""
