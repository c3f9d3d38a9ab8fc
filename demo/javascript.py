"""The shop as a JavaScript application (``--javascript``): an empty document, and a page's data.

`app.js` fetches the data of the page it stands on and builds what the plain shop would have sent.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re

from demo.answer import HTML, Answer

API = "/api/page"
_PAGE = re.compile(
    rb'<html lang="(?P<language>\w+)">.*?<title>(?P<title>.*?)</title>\n'
    rb"(?P<head>.*?)<link rel=\"stylesheet\".*<body>\n(?P<body>.*)</body>",
    re.DOTALL,
)


def is_page(answer: Answer) -> bool:
    """Whether an answer of the plain shop is a page for people."""
    return answer.status == 200 and answer.content_type == HTML


def shell(answer: Answer) -> Answer:
    """The document that is sent instead of a page: it says nothing before its script ran."""
    body = f"""<!doctype html>
<html lang="{_parts(answer)["language"]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>…</title>
<link rel="stylesheet" href="/assets/style.css">
<link rel="icon" href="/assets/icon.png" type="image/png">
<script src="/assets/app.js" defer></script>
</head>
<body>
<noscript>Please enable JavaScript to visit this shop.</noscript>
<div id="root"></div>
</body>
</html>
"""
    return dataclasses.replace(answer, body=body.encode())


def data(answer: Answer) -> Answer:
    """A page's data as JSON: title as text, the head's own elements and the body as HTML."""
    parts = _parts(answer)
    told = {"title": html.unescape(parts["title"]), "head": parts["head"], "body": parts["body"]}
    body = json.dumps(told, ensure_ascii=False).encode()
    return dataclasses.replace(answer, body=body, content_type="application/json")


def _parts(answer: Answer) -> dict[str, str]:
    found = _PAGE.search(answer.body)
    if found is None:
        raise ValueError(f"not a page of demo.layout: {answer.body[:80]!r}")
    return {name: text.decode() for name, text in found.groupdict().items()}
