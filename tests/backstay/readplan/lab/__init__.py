"""A small world with every hard spot of a read plan, and random serializers over it."""
