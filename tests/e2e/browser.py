"""Headless Chromium for end-to-end tests: a screenshot of a page, what it logged, and what it asked the network for."""
import dataclasses
import json
import pathlib
import shutil
import struct
import subprocess
import zlib


@dataclasses.dataclass
class View:
    pixels: list[bytes]  # a line of RGB bytes for each row
    console: list[str]  # what the page logged, errors and policy violations among it
    requests: list[str]  # addresses that the page asked for, beside itself


def program() -> str | None:
    return shutil.which("chromium")


def decode_png(data: bytes) -> list[bytes]:
    """Rows of RGB. Takes 8-bit RGB and RGBA without interlacing, which is what Chromium and rsvg-convert write."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        checksum, = struct.unpack(">I", data[at + 8 + size:at + 12 + size])
        assert zlib.crc32(kind + body) == checksum, "a chunk is damaged"
        if kind == b"IHDR":
            width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and colours in (2, 6) and interlaced == 0, "another kind of PNG"
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    step = 3 if colours == 2 else 4
    raw, above, rows = zlib.decompress(packed), bytearray(width * step), []
    for row in range(height):
        begin = row * (width * step + 1)
        line = unfilter(raw[begin], bytearray(raw[begin + 1:begin + 1 + width * step]), above, step)
        rows.append(bytes(line) if step == 3 else bytes(value for i, value in enumerate(line) if i % 4 != 3))
        above = line
    return rows


def unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> bytearray:
    if kind == 1:
        for i in range(step, len(line)):
            line[i] = (line[i] + line[i - step]) & 255
    elif kind == 2:
        for i in range(len(line)):
            line[i] = (line[i] + above[i]) & 255
    elif kind == 3:
        for i in range(len(line)):
            line[i] = (line[i] + ((line[i - step] if i >= step else 0) + above[i]) // 2) & 255
    elif kind == 4:
        for i in range(len(line)):
            left, up, corner = (line[i - step], above[i], above[i - step]) if i >= step else (0, above[i], 0)
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
            line[i] = (line[i] + near[2]) & 255
    return line


def page_requests(log: pathlib.Path) -> list[str]:
    """Chromium also calls home by itself; only what a document asked for has an origin as its initiator."""
    data = json.loads(log.read_text(encoding="utf-8"))
    start = data["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [event["params"] for event in data["events"] if event["type"] == start and "url" in event.get("params", {})]
    return [params["url"] for params in asked if params.get("initiator", "not an origin") != "not an origin"]


def look_at(page: pathlib.Path, width: int, height: int, folder: pathlib.Path, dark=False) -> View:
    """The page as it is at the top, without a network: every name fails to resolve."""
    shot, log = folder / "shot.png", folder / "net.json"
    for old in (shot, log):
        old.unlink(missing_ok=True)
    command = [program(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--no-first-run", "--hide-scrollbars", "--disable-background-networking", "--disable-component-update",
               "--disable-sync", "--force-device-scale-factor=1", "--host-resolver-rules=MAP * ~NOTFOUND",
               "--enable-logging=stderr", f"--log-net-log={log}", f"--user-data-dir={folder / 'profile'}",
               f"--window-size={width},{height}", f"--screenshot={shot}",
               *(["--force-dark-mode"] if dark else []), page.as_uri()]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
    said = ended.stderr.decode("utf-8", errors="replace")
    assert ended.returncode == 0 and shot.exists(), f"chromium failed with {ended.returncode}:\n{said}"
    console = [line for line in said.splitlines() if ":CONSOLE" in line]
    return View(decode_png(shot.read_bytes()), console, page_requests(log))
