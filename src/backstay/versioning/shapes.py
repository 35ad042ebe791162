"""
What a change of a JSON Schema does to those who send or read what it describes.

``Comparison(old, new, taken=True)`` looks at what a server takes: it must go on taking
all that it took. ``taken=False`` looks at what it gives: that must go on being what
clients were told. Pure functions over two documents; references are followed, also ones
that lead back to themselves, and ``allOf``, ``oneOf``, ``anyOf`` and null are understood.

Not seen: ``not``, ``if``, ``patternProperties``, ``prefixItems``, and in answers bounds
and new values of an enumeration, which clients have to expect. A pattern is narrower
whenever it is another one: which strings it lets through is not decided.

Sources: OpenAPI 3.1.1 and 3.0.4; JSON Schema 2020-12.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Schema = Mapping[str, Any]
#: Where it is and what is wrong there.
Difference = tuple[str, str]

ANYTHING = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_NULL = frozenset({"null"})
#: A number that takes fractions takes whole numbers too.
_TYPES = {"number": frozenset({"number", "integer"})}
_OF_PYTHON = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}

_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
#: There is never less of something than this.
_COUNTS = {"minLength": 0, "minItems": 0, "minProperties": 0}
#: Keywords that say no by being there, or by being another.
_EXACT = ("pattern", "multipleOf", "uniqueItems")
_WIDER_FORMATS = {("int32", "int64"), ("float", "double")}

TAKE = "Take what was taken, or ask for more in a new version only."
GIVE = "Answer as before, or change it in a new version with a transform for this one."


def target(document: Document, reference: str) -> Any:
    """What *reference* leads to within the document (RFC 6901)."""
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def flat(document: Document, schema: Any, seen: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The forms that *schema* allows, each one schema without references and compositions."""
    if isinstance(schema, bool):
        return [{}] if schema else []
    reference = schema.get("$ref")
    if reference in seen:
        return [{}]
    forms = [_own(schema)]
    parts = [*([target(document, reference)] if reference else []), *schema.get("allOf", ())]
    seen = (*seen, reference) if reference else seen
    for part in parts:
        forms = [_both(one, other) for one in forms for other in flat(document, part, seen)]
    for word in ("oneOf", "anyOf"):
        if word in schema:
            options = [form for each in schema[word] for form in flat(document, each, seen)]
            forms = [_both(one, other) for one in forms for other in options]
    return _with_null(forms)


def types_of(form: Schema) -> frozenset[str]:
    found: frozenset[str] = form.get("type", ANYTHING)
    return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of two documents, in one of the two directions."""

    old: Document
    new: Document
    taken: bool

    def of(
        self, before: Any, after: Any, where: str = "", busy: frozenset[str] = frozenset()
    ) -> Iterator[Difference]:
        """What *after* breaks for those who rely on *before*."""
        pair = json.dumps([before, after], sort_keys=True, default=str)
        if pair in busy:
            return
        busy |= {pair}
        olds, news = flat(self.old, before), flat(self.new, after)
        if len(olds) == len(news) == 1:
            yield from self._form(olds[0], news[0], where, busy)
            return
        relied, offered = (olds, news) if self.taken else (news, olds)
        for form in relied:
            if not any(self._fits(form, other, busy) for other in offered):
                yield where, self._say("no longer takes {}", "may now be {}", _named(form))

    def _fits(self, form: Schema, other: Schema, busy: frozenset[str]) -> bool:
        before, after = (form, other) if self.taken else (other, form)
        return next(self._form(before, after, "", busy), None) is None

    def _form(
        self, before: Schema, after: Schema, where: str, busy: frozenset[str]
    ) -> Iterator[Difference]:
        old, new = types_of(before), types_of(after)
        if lost := old - new if self.taken else new - old:
            yield where, self._say("no longer takes {}", "may now be {}", _listed(lost))
            return
        yield from ((where, what) for what in self._values(before, after))
        yield from self._members(before, after, where, busy)
        if "items" in before and "items" in after:
            yield from self.of(before["items"], after["items"], f"{where}[]", busy)
        rest, others = (form.get("additionalProperties", True) for form in (before, after))
        if isinstance(rest, Mapping) and isinstance(others, Mapping):
            yield from self.of(rest, others, f"{where}.*", busy)
        elif self.taken and rest is not False and others is False:
            yield where, f"takes no other fields any more. {TAKE}"

    def _values(self, before: Schema, after: Schema) -> Iterator[str]:
        """Of the thing itself, whatever is in it."""
        if self.taken:
            yield from _narrowed(before, after)
        if self._format_breaks(before.get("format"), after.get("format")):
            named = f"{before.get('format')} to {after.get('format')}"
            yield self._say("changed its format from {}", "changed its format from {}", named)

    def _format_breaks(self, before: str | None, after: str | None) -> bool:
        relied, offered = (after, before) if self.taken else (before, after)
        pair = (before, after) if self.taken else (after, before)
        return relied is not None and relied != offered and pair not in _WIDER_FORMATS

    def _members(
        self, before: Schema, after: Schema, where: str, busy: frozenset[str]
    ) -> Iterator[Difference]:
        old, new = (self._seen(document, form) for document, form in self._sides(before, after))
        for name in old:
            place = f"{where}.{name}" if where else name
            if name not in new:
                yield place, self._say("is no longer taken", "is gone from the answer")
            else:
                yield from self.of(old[name], new[name], place, busy)
        was, needed = set(before.get("required", ())), set(after.get("required", ()))
        changed = (
            (needed & new.keys()) - was if self.taken else (was & old.keys() & new.keys()) - needed
        )
        for name in sorted(changed):
            what = self._say("is now required", "may now be missing from the answer")
            yield (f"{where}.{name}" if where else name), what

    def _sides(self, before: Schema, after: Schema) -> Sequence[tuple[Document, Schema]]:
        return (self.old, before), (self.new, after)

    def _seen(self, document: Document, form: Schema) -> dict[str, Any]:
        """The properties that go this way."""
        other_way = "readOnly" if self.taken else "writeOnly"
        return {
            name: schema
            for name, schema in form.get("properties", {}).items()
            if not any(each.get(other_way) for each in flat(document, schema))
        }

    def _say(self, taking: str, giving: str, *named: str) -> str:
        said, advice = (taking, TAKE) if self.taken else (giving, GIVE)
        return f"{said.format(*named)}. {advice}"


def _narrowed(before: Schema, after: Schema) -> Iterator[str]:
    """What the later form refuses of what the earlier one took."""
    if "enum" in after:
        if "enum" not in before:
            yield f"takes only {_listed(after['enum'])} now. {TAKE}"
        elif lost := [value for value in before["enum"] if value not in after["enum"]]:
            yield f"no longer takes {_listed(lost)}. {TAKE}"
    for word in (*_LEAST, *_MOST):
        old, new = before.get(word, _COUNTS.get(word)), after.get(word)
        if new is not None and (old is None or (new > old if word in _LEAST else new < old)):
            yield f"has a narrower {word}, {new} where it was {old}. {TAKE}"
    for word in _EXACT:
        if after.get(word) and after[word] != before.get(word):
            yield f"has another {word}, {after[word]!r} where it was {before.get(word)!r}. {TAKE}"


def _own(schema: Schema) -> dict[str, Any]:
    """What the schema says itself, its type as a set."""
    composed = {"$ref", "allOf", "oneOf", "anyOf", "nullable", "type", "const", "enum"}
    own = {word: value for word, value in schema.items() if word not in composed}
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    declared = schema.get("type")
    if declared is None and values is not None:
        declared = [_OF_PYTHON[type(value)] for value in values]
    if declared is not None:
        names = [declared] if isinstance(declared, str) else declared
        null = _NULL if schema.get("nullable") else frozenset()
        own["type"] = null.union(*(_TYPES.get(name, frozenset({name})) for name in names))
    if values is not None:
        own["enum"] = [value for value in values if value is not None]
    return own


def _both(one: Schema, other: Schema) -> dict[str, Any]:
    """What satisfies both."""
    merged = {**one, **other}
    for word in one.keys() & other.keys():
        mine, theirs = one[word], other[word]
        if word == "type":
            merged[word] = mine & theirs
        elif word == "enum":
            merged[word] = [value for value in mine if value in theirs]
        elif word == "required":
            merged[word] = [*mine, *(name for name in theirs if name not in mine)]
        elif word == "properties":
            merged[word] = {**mine, **theirs, **_shared(mine, theirs)}
        elif word in (*_LEAST, *_MOST):
            merged[word] = max(mine, theirs) if word in _LEAST else min(mine, theirs)
    return merged


def _shared(mine: Schema, theirs: Schema) -> dict[str, Any]:
    shared = {}
    for name in mine.keys() & theirs.keys():
        parts = [
            part
            for schema in (mine[name], theirs[name])
            for part in (schema["allOf"] if schema.keys() == {"allOf"} else [schema])
        ]
        # Each once: what refers to itself would grow for ever.
        once = [part for place, part in enumerate(parts) if part not in parts[:place]]
        shared[name] = {"allOf": once} if len(once) > 1 else once[0]
    return shared


def _with_null(forms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``X or null`` as one form that may be null."""
    real = [form for form in forms if types_of(form) != _NULL]
    if not real or len(real) == len(forms):
        return forms
    return [{**form, "type": types_of(form) | _NULL} for form in real]


def _named(form: Schema) -> str:
    return _listed(form["enum"]) if form.get("enum") else _listed(types_of(form))


def _listed(values: Any) -> str:
    if isinstance(values, frozenset) and values >= ANYTHING:
        return "anything"
    ordered = sorted(values) if isinstance(values, frozenset) else values
    return " or ".join(value if isinstance(value, str) else json.dumps(value) for value in ordered)
