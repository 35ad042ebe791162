"""Screenshots as small PNG files: 256 colours, which a page of flat areas has hardly more of."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def with_palette(png: bytes) -> bytes:
    """*png*, which has 8 bits of red, green and blue, with the nearest of its commonest colours."""
    parts = list(_chunks(png))
    width, height, bits, colour = struct.unpack(">IIBB", parts[0][1][:10])
    assert (bits, colour) == (8, 2), "Chromium writes other screenshots."
    rows = list(_rows(zlib.decompress(b"".join(d for k, d in parts if k == b"IDAT")), 3 * width))
    pixels = [[row[at : at + 3] for at in range(0, len(row), 3)] for row in rows]
    palette = [colour for colour, _ in Counter(p for row in pixels for p in row).most_common(256)]

    @cache
    def nearest(pixel: bytes) -> int:
        return min(range(len(palette)), key=lambda n: _distance(palette[n], pixel))

    lines = b"".join(b"\0" + bytes(map(nearest, row)) for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    written = [(b"IHDR", head), (b"PLTE", b"".join(palette))]
    written += [(b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in written)


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(png):
        [length] = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _rows(data: bytes, length: int) -> Iterator[bytes]:
    """The rows without their filters (PNG, third edition, section 9)."""
    above = bytearray(length)
    for start in range(0, len(data), length + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + length])
        for at in range(length):
            left = row[at - 3] if at >= 3 else 0
            corner = above[at - 3] if at >= 3 else 0
            row[at] = (row[at] + _predicted(kind, left, above[at], corner)) & 255
        yield bytes(row)
        above = row


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]
