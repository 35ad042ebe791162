"""
The same four answers by each peer, written as its own documentation has it done well.

``list``: the newest 100 orders with customer and number of items. ``full``: the same with
items and their products, payments and address. ``labelled``: ``full`` with a method
field. ``one``: an order by its key, everything of it. A page tells the next one's address.
"""

SIZE = 100
