"""The answer of `identify.Identifier` over HTTP and as a page: routes, and no logic of their own."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from identify.answer import Identification
from identify.api_page import api_page
from identify.desk import Busy, Desk, RateLimit
from identify.fetch import Barred, Unfetched
from identify.http import HEADERS, Body, Problem, SecurityHeaders, client_of, problem_schema
from identify.photo import PhotoError

PAGE = Path(__file__).parent / "page"
MOST_PHOTOS = 16  # in one request
MOST_LETTERS = 2000  # of an address
MOST_JSON = 256 * 1024  # bytes, all addresses escaped
_JSON = "application/json"
_NAME = 200  # characters of a file name that are given back
PICTURES = (
    "image/jpeg, image/png, image/webp, image/avif, image/heic, image/gif, image/bmp, image/tiff"
)
_ADDRESS = r"^https?://\S+$"
_URL = {"type": "string", "pattern": _ADDRESS, "maxLength": MOST_LETTERS}
BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["photo"],
                "properties": {
                    "photo": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_PHOTOS,
                        "items": {"type": "string", "format": "binary"},
                        "description": "one photo, or several fields of this name",
                    }
                },
            },
            "encoding": {"photo": {"contentType": PICTURES}},
        },
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "url": _URL,
                    "urls": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": MOST_PHOTOS,
                        "items": _URL,
                    },
                },
                "oneOf": [{"required": ["url"]}, {"required": ["urls"]}],
                "additionalProperties": False,
            }
        },
    },
}


PROBLEMS = {
    400: "The request cannot be understood",
    403: "The address may not be fetched: not http(s), or not on the public internet",
    404: "No picture there",
    408: "The photo came too slowly",
    413: "Too large",
    415: "Neither multipart/form-data nor JSON",
    422: "The photo cannot be read, or a value is not allowed",
    429: "Too many photos in a minute; see Retry-After",
    503: "Too many photos at once; see Retry-After",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its description."""
    content = {"application/problem+json": {"schema": problem_schema()}}
    return {status: {"description": PROBLEMS[status], "content": content} for status in statuses}


def make_app(desk: Desk, limit: RateLimit, max_bytes: int) -> FastAPI:
    """The application; ``desk`` answers."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.models.start()
        yield
        desk.models.stop()
        desk.close()

    app = FastAPI(
        title="Solemap",
        summary="Names the shoe in a photo.",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(SecurityHeaders)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    _handle_faults(app)

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    def page() -> HTMLResponse:
        text = (PAGE / "index.html").read_text("utf-8")
        return HTMLResponse(text.replace("{max_mb}", str(max_bytes // 1024**2)))

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(api_page(app.openapi()))

    @app.get("/healthz", summary="Whether the service answers, and with what")
    def healthz() -> dict[str, Any]:
        models = desk.models
        left_out = sorted(models.current.left_out)
        return {
            "status": "degraded" if left_out or models.fault else "ok",
            "brands": len(models.current.brands),
            "products": models.current.product_count,
            "left_out": left_out,
            "newer_models_refused": models.fault is not None,
            "requests_inside": desk.inside,
        }

    @app.get(
        "/pictures/{photo_id}",
        summary="A picture of the gallery, as named by candidates and similar shoes",
        response_class=FileResponse,
        responses={200: {"content": {"image/jpeg": {}}}, **problems(404)},
    )
    def picture(photo_id: str) -> FileResponse:
        path = desk.models.current.picture(photo_id)
        if path is None or not path.is_file():
            raise Problem(404, "no_picture", "no such picture in the gallery; search again")
        return FileResponse(path, 200, {"Cache-Control": "public, max-age=86400"}, "image/jpeg")

    @app.post(
        "/api/identify",
        summary="Name the shoe in a photo, or in each of several",
        description="One photo is answered by one object, several by a list in their order.",
        response_model=Identification | list[Identification],
        responses=problems(400, 403, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra={"requestBody": BODY},
    )
    async def identify(
        request: Request,
        top: int = Query(5, ge=1, le=100, description="how many candidates"),
    ) -> JSONResponse:
        try:
            with desk.place(client_of(request)):
                body = Body(request, MOST_JSON if _kind(request) == _JSON else max_bytes)
                await body.check_told()
                answers, is_batch = await _answers(body.request, desk, limit, top)
        except Busy as busy:
            raise Problem(503, "busy", "too many photos at once; try again in a moment", busy.retry_after_s) from busy  # fmt: skip
        found = [asdict(answer) for answer in answers]
        return JSONResponse(found if is_batch else found[0])

    return app


async def _answers(
    request: Request, desk: Desk, limit: RateLimit, top: int
) -> tuple[list[Identification], bool]:
    """The answers to a request's photos, and whether it asked for a list."""
    kind = _kind(request)
    if kind == "multipart/form-data":
        async with _form(request) as form:
            photos = [one for one in form.getlist("photo") if isinstance(one, UploadFile)]
            if not photos:
                raise Problem(400, "no_photo", "no photo was sent; send it as the field `photo`")
            _take(limit, request, len(photos))
            is_batch, named = (
                len(photos) > 1,
                [(one, _printable(one.filename or "")[-_NAME:]) for one in photos],
            )
            asked = ((desk.answer_upload(one.file, name, top), name) for one, name in named)
            return [await _told(work, name, is_batch) for work, name in asked], is_batch
    if kind == _JSON:
        urls, is_batch = _urls(await request.body())
        _take(limit, request, len(urls))
        asked = ((desk.answer_url(url, top), _printable(url)) for url in urls)
        return [await _told(work, url, is_batch) for work, url in asked], is_batch
    raise Problem(
        415, "kind", "send multipart/form-data with the field `photo`, or JSON with `url`"
    )


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    """The request's form.

    Raises:
        Problem: its head names a charset that its names are not written in.
    """
    try:
        form = await request.form(max_files=MOST_PHOTOS, max_fields=MOST_PHOTOS)
    except (LookupError, UnicodeError) as error:
        raise Problem(400, "form", "the form's charset cannot be read; send UTF-8") from error
    try:
        yield form
    finally:
        await form.close()


def _printable(text: str) -> str:
    """``text`` without halves of characters, which no UTF-8 can say."""
    return text.encode("utf-8", "replace").decode()


def _kind(request: Request) -> str:
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def _told(
    work: Coroutine[Any, Any, Identification], name: str, is_batch: bool
) -> Identification:
    """The answer to one photo; in a list, a photo that cannot be read is an answer with ``error``."""
    try:
        return await work
    except Barred as error:
        fault = Problem(403, "address", str(error))
    except Unfetched as error:
        fault = Problem(404, "address", str(error))
    except PhotoError as error:
        fault = Problem(422, "unreadable", str(error))
    if not is_batch:
        raise fault
    return Identification(name, error=fault.detail)


def _urls(body: bytes) -> tuple[list[str], bool]:
    """The addresses that a JSON body asks for, and whether as a list."""
    told = 'send {"url": "https://…"} or {"urls": ["https://…", …]}'
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "json", f"not JSON; {told}") from error
    if not isinstance(found, dict) or found.keys() not in ({"url"}, {"urls"}):
        raise Problem(422, "json", told)
    is_batch = "urls" in found
    urls = found["urls"] if is_batch else [found["url"]]
    if not isinstance(urls, list) or not 1 <= len(urls) <= MOST_PHOTOS:
        raise Problem(422, "json", f"urls must be a list of 1 to {MOST_PHOTOS}; {told}")
    if not all(
        isinstance(one, str) and len(one) <= MOST_LETTERS and re.search(_ADDRESS, one)
        for one in urls
    ):
        raise Problem(
            422,
            "json",
            f"an address is http:// or https:// and at most {MOST_LETTERS} letters; {told}",
        )
    return urls, is_batch


def _take(limit: RateLimit, request: Request, photos: int) -> None:
    wait_s = limit.take(client_of(request), photos)
    if wait_s:
        raise Problem(429, "rate", f"too many photos in a minute; try again in {wait_s} s", wait_s)


def _handle_faults(app: FastAPI) -> None:
    """Every fault becomes a problem; what is not foreseen keeps its traceback in the log alone."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = " ".join(str(part) for part in first["loc"])
        return Problem(422, "parameter", f"{place}: {first['msg']}; see /docs").response()

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        found = Problem(
            error.status_code, "http", f"{error.detail}. What is here: /docs"
        ).response()
        found.headers.update(error.headers or {})
        return found

    @app.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> Response:
        found = Problem(
            500, "bug", "a fault of this service, noted in its log; try again"
        ).response()
        found.headers.update(HEADERS)  # this answer is given outside the middleware
        return found
