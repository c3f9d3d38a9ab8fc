"""`python -m bench.identify.mutated`: damaged picture files through the loader; an answer or a refusal each.

Drawn shoes in every format are changed by a seed: bytes flipped, pieces cut, doubled, swapped between
files, lengths in headers blown up, ends cut off. Each is loaded in a child process that is watched: a
crash, a hang or growing memory is a fault. Results go to bench/results/identify-mutated.json.
"""

from __future__ import annotations

import io
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from PIL import Image, ImageDraw

from catalogue.manifest import write_json
from identify.photo import PhotoError, prepare_photo

RESULTS = Path(__file__).parent.parent / "results" / "identify-mutated.json"
FORMS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "MPO", "HEIF")
SLOW_S = 10.0
PER_CHILD = 1000


def originals() -> dict[str, bytes]:
    """A small picture in each format, with what cameras add."""
    image = Image.new("RGB", (160, 120), "white")
    draw = ImageDraw.Draw(image)
    draw.polygon([(20, 80), (40, 40), (80, 50), (140, 75), (145, 95), (20, 95)], fill=(180, 40, 40))
    draw.line([(25, 90), (140, 90)], fill=(20, 20, 90), width=5)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a shoe"
    found = {}
    for form in FORMS:
        options: dict[str, object] = (
            {"exif": exif} if form in ("JPEG", "PNG", "WEBP", "TIFF") else {}
        )
        if form == "HEIF":
            try:
                import pillow_heif
            except ImportError:
                continue
            pillow_heif.register_heif_opener()
        buffer = io.BytesIO()
        image.save(buffer, form, **options)
        found[form] = buffer.getvalue()
    more: list[tuple[str, str, dict[str, object]]] = [
        ("JPEG progressive", "CMYK", {"progressive": True}),
        ("PNG palette", "P", {}),
        ("TIFF lzw", "RGB", {"compression": "tiff_lzw"}),
    ]
    for name, mode, options in more:
        buffer = io.BytesIO()
        image.convert(mode).save(buffer, name.partition(" ")[0], **options)
        found[name] = buffer.getvalue()
    return found


def mutated(seed: int, pictures: dict[str, bytes]) -> tuple[str, bytes]:
    """The format and bytes of the damaged file number ``seed``."""
    chance = random.Random(seed)
    form = chance.choice(sorted(pictures))
    content = bytearray(pictures[form])
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(content)) if chance.random() < 0.5 else chance.randrange(min(200, len(content)))  # fmt: skip
        kind = chance.randrange(7)
        if kind == 0:
            content[at] = chance.randrange(256)
        elif kind == 1:
            content[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            content[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\xff\xff"))  # fmt: skip
        elif kind == 3:
            del content[at : at + chance.randrange(1, 64)]
        elif kind == 4:
            content[at:at] = content[at : at + chance.randrange(1, 256)]
        elif kind == 5:
            other = pictures[chance.choice(sorted(pictures))]
            start = chance.randrange(len(other))
            content[at : at + 64] = other[start : start + 64]
        else:
            del content[max(at, 1) :]
        if not content:
            content = bytearray(b"\0")
    return form, bytes(content)


def outcome(content: bytes) -> str:
    """``answered`` or ``refused``; anything else that is raised is a fault."""
    try:
        found = prepare_photo(content, 64, crop=True)
    except PhotoError as error:
        assert "\n" not in str(error) and len(str(error)) < 400, str(error)
        return "refused"
    assert found.pixels.shape == (64, 64, 3)
    return "answered"


def run(first: int, count: int) -> Iterator[dict[str, object]]:
    """What became of each file; for the child process."""
    pictures = originals()
    for seed in range(first, first + count):
        form, content = mutated(seed, pictures)
        started = time.monotonic()
        try:
            told = outcome(content)
        except Exception as error:  # noqa: BLE001  # what the bench looks for
            told = f"fault: {type(error).__name__}: {error}"
        yield {"seed": seed, "form": form, "told": told, "s": time.monotonic() - started}


@click.command()
@click.option("--count", default=10_000, show_default=True)
@click.option("--child", type=int, hidden=True)
def main(count: int, child: int | None) -> None:
    """Load COUNT damaged files."""
    if child is not None:
        for line in run(child, count):
            line["kib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(json.dumps(line), flush=True)
        return
    told: Counter[str] = Counter()
    by_form: dict[str, Counter[str]] = {}
    faults, slow, peaks, growths = list[str](), list[str](), list[int](), list[int]()
    for first in range(0, count, PER_CHILD):
        size = min(PER_CHILD, count - first)
        done = subprocess.run(
            [sys.executable, "-m", "bench.identify.mutated", "--child", str(first), "--count", str(size)],
            capture_output=True, text=True, timeout=size * SLOW_S, check=False,
        )  # fmt: skip
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if len(lines) < size:
            faults.append(f"seed {first + len(lines)}: the process died with {done.returncode}: {done.stderr[-300:]}")  # fmt: skip
        for line in lines:
            kind = line["told"].partition(":")[0]
            told[kind] += 1
            by_form.setdefault(line["form"], Counter())[kind] += 1
            if kind == "fault":
                faults.append(f"seed {line['seed']} ({line['form']}): {line['told']}")
            if line["s"] > SLOW_S:
                slow.append(f"seed {line['seed']}: {line['s']:.1f} s")
        if lines:
            peaks.append(lines[-1]["kib"] // 1024)
            growths.append((lines[-1]["kib"] - lines[len(lines) // 2]["kib"]) // 1024)
        print(f"{first + size} of {count}: {dict(told)}", flush=True)
    found = {
        "files": count,
        "outcomes": dict(told),
        "by_form": {form: dict(counts) for form, counts in sorted(by_form.items())},
        "faults": faults,
        "slow": slow,
        "peak_mib": max(peaks, default=0),
        "growth_in_second_half_mib": max(growths, default=0),
    }
    write_json(RESULTS, found)
    print(json.dumps(found, indent=2))
    if faults or slow:
        sys.exit(1)


if __name__ == "__main__":
    main()
