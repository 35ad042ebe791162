"""Articles and the comments under them."""
