"""Letters on their way: what is to be sent, tried again, and given up."""
