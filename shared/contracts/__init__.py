"""Every message: a file for each service that tells them."""
