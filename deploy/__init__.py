"""How Videnbro is run: the embedded stack on one machine, images, compose file and cluster."""
