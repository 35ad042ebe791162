"""
Examples that are real answers, from a file that a test keeps true.

    BACKSTAY = {"DOCUMENT_EXAMPLES": BASE_DIR / "examples.json"}
    SPECTACULAR_SETTINGS = {
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "backstay.contrib.spectacular.examples.add_examples",
        ],
    }

The file has for each version the bodies by operation and status, and the problems by code:
``{"v1": {"answers": {"GET /api/v1/orders/ 200": {…}}, "problems": {"conflict": {…}}}}``. A
body of an operation or status that is not documented is an error: it is out of date.
"""

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from backstay.conf import settings


def add_examples(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """
    Put the examples of the file into the document.

    Raises:
        ImproperlyConfigured: the file cannot be read, or has an example of nothing.
    """
    told = _read(settings.DOCUMENT_EXAMPLES).get(generator.api_version, {})
    for name, body in told.get("answers", {}).items():
        method, path, status = name.split(" ")
        try:
            operation = result["paths"][path][method.lower()]
            content = operation["responses"][status]["content"]["application/json"]
        except KeyError:
            raise ImproperlyConfigured(f"No such answer is documented: {name}.") from None
        content["example"] = body
    examples = result["components"].get("examples", {})
    for code, body in told.get("problems", {}).items():
        if code in examples:
            examples[code] = {**examples[code], "value": body}
    return result


def _read(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        told: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f'BACKSTAY["DOCUMENT_EXAMPLES"]: {error}') from None
    return told
