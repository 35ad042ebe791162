"""Customers, where they live, what they ordered and how they paid."""
