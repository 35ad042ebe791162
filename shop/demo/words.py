"""Plain words to make up names from, and seeded choices among them."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

COLOURS = ("Black", "Blue", "Green", "Grey", "Ivory", "Olive", "Red", "Sand", "White", "Yellow")
MATERIALS = ("Bamboo", "Canvas", "Ceramic", "Cotton", "Glass", "Linen", "Oak", "Steel", "Wool")
THINGS = ("Bag", "Basket", "Blanket", "Bowl", "Box", "Cup", "Jug", "Lamp", "Stool", "Tray")
STREETS = ("Bridge Street", "Garden Road", "Harbour Road", "Mill Lane", "Park Street")
TOWNS = (("Eastford", "AT"), ("Lakeside", "DE"), ("Northport", "FR"), ("Westhill", "NL"))
TOPICS = ("Caring for", "Choosing", "How we make", "Mending", "New in store:", "The story of")


def chooser(*seed: object) -> Callable[[Sequence[T]], T]:
    """
    A function that picks one of a sequence, the same ones for the same *seed*.

    Only ``Random.random`` is promised to stay the same between Python versions.
    """
    # Not a secret: the point is that everyone gets the same.
    random = Random(":".join(map(str, seed))).random  # noqa: S311
    return lambda choices: choices[int(random() * len(choices))]
