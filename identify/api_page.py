"""The description of the HTTP interface as a page: /openapi.json in HTML, without any script."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_EXAMPLES = """curl -F photo=@shoe.jpg http://127.0.0.1:8000/api/identify
curl -F photo=@left.jpg -F photo=@right.jpg http://127.0.0.1:8000/api/identify
curl --json '{"url": "https://shop.example/shoe.jpg"}' http://127.0.0.1:8000/api/identify"""


def api_page(description: dict[str, Any]) -> str:
    """HTML of an OpenAPI ``description``: its operations with parameters, bodies and answers."""
    schemas = description.get("components", {}).get("schemas", {})
    operations = [
        _operation(method, path, operation, schemas)
        for path, methods in sorted(
            description["paths"].items(), key=lambda one: "post" not in one[1]
        )
        for method, operation in methods.items()
    ]
    title = escape(description["info"]["title"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} over HTTP</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/page/icon.svg"><link rel="stylesheet" href="/page/style.css"></head>
<body><main class="reference"><h1>{title} over HTTP</h1>
<p>{escape(description["info"].get("summary", ""))} The same as
<a href="/openapi.json">OpenAPI</a>, for programs. <a href="/">To the page for people.</a></p>
<pre tabindex="0">{escape(_EXAMPLES)}</pre>
{"".join(operations)}</main></body></html>"""


def _operation(method: str, path: str, told: dict[str, Any], schemas: dict[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(one['name'])}</code> ({escape(one['in'])}) {escape(one.get('description', ''))} "
        f"<code>{escape(json.dumps(one['schema']))}</code></li>"
        for one in told.get("parameters", ())
    )
    bodies = _contents(told.get("requestBody", {}).get("content", {}), schemas)
    answers = "".join(
        f"<h3>{escape(status)} {escape(answer.get('description', ''))}</h3>"
        + _contents(answer.get("content", {}), schemas, is_short=status != "200")
        for status, answer in told["responses"].items()
    )
    return f"""<section><h2><code>{method.upper()} {escape(path)}</code></h2>
<p>{escape(told.get("summary", ""))}. {escape(told.get("description", ""))}</p>
{f"<h3>Parameters</h3><ul>{parameters}</ul>" if parameters else ""}
{f"<h3>Body</h3>{bodies}" if bodies else ""}{answers}</section>"""


def _contents(content: dict[str, Any], schemas: dict[str, Any], is_short: bool = False) -> str:
    if is_short:
        return "".join(f"<p><code>{escape(kind)}</code></p>" for kind in content)
    return "".join(
        f"<p><code>{escape(kind)}</code></p>"
        f'<pre tabindex="0">{escape(json.dumps(_resolved(one.get("schema", {}), schemas), indent=2))}</pre>'
        for kind, one in content.items()
    )


def _resolved(schema: Any, schemas: dict[str, Any]) -> Any:
    """``schema`` with what it refers to in place; ours refer to nothing that contains itself."""
    if isinstance(schema, list):
        return [_resolved(one, schemas) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return {key: _resolved(value, schemas) for key, value in schema.items() if key != "title"}
