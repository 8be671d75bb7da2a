"""Events as their organisers plan them, and as everybody reads them."""
