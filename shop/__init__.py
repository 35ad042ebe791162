"""The reference service: a shop with tenants, a catalogue, orders and articles."""
