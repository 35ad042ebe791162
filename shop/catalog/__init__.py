"""What organizations sell, and how much of it is left."""
