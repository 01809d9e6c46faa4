"""Reports in a browser: nothing is loaded from elsewhere, no error, nothing is cut off on a phone or a screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import partial
from html import escape, unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import networkx as nx
import pytest

import graphlab as gl

pytestmark = pytest.mark.slow

WIDTHS = (390, 1280)

FIRST = """<script>window.problems = []; console.error = (...all) => window.problems.push(all.join(' '));
window.onerror = (message) => window.problems.push(message);</script>"""

FRAME = """<!DOCTYPE html><html><body style="margin: 0"><iframe style="width: {width}px; height: 900px; border: 0"
srcdoc="{page}"></iframe><script>window.addEventListener('load', () => {{
const view = document.querySelector('iframe').contentWindow, page = view.document, root = page.documentElement;
const cut = [...page.body.querySelectorAll('*')].filter((node) => !node.closest('.wide, pre')
  && node.getBoundingClientRect().right > root.clientWidth + 1);
const broken = [...page.images].filter((image) => !image.complete || image.naturalWidth === 0);
const loaded = view.performance.getEntriesByType('resource').map((entry) => entry.name);
document.body.dataset.measured = JSON.stringify({{problems: view.problems, width: view.innerWidth,
  scrolls: root.scrollWidth, cut: cut.map((node) => node.outerHTML.slice(0, 80)), broken: broken.length,
  images: page.images.length, loaded: loaded.filter((name) => !name.startsWith('data:'))}});
}});</script></body></html>"""
"""A browser's window has a least width, a frame has none."""


class Served(SimpleHTTPRequestHandler):
    """Serves a folder and writes down what is asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *words):
        pass


def measured(page, width, folder):
    """What a browser says of a page at a width, and what else it asked the server for."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("the reports are opened in a browser: install the Debian package chromium")
    text = page.read_text(encoding="utf-8").replace("<head>", f"<head>{FIRST}", 1)
    frame = page.parent / f"{page.stem}-{width}.html"
    frame.write_text(FRAME.format(width=width, page=escape(text)), encoding="utf-8")
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
    ]
    words += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=5000"]
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, directory=page.parent)) as server:
        server.asked = []
        Thread(target=server.serve_forever, daemon=True).start()
        words += ["--window-size=1400,1000", "--dump-dom", f"http://127.0.0.1:{server.server_port}/{frame.name}"]
        shown = subprocess.run([program, *words], capture_output=True, text=True, timeout=120, check=True).stdout
        server.shutdown()
    seen = json.loads(unescape(re.search(r'data-measured="([^"]*)"', shown)[1]))
    seen["loaded"] += [path for path in server.asked if path not in (f"/{frame.name}", "/favicon.ico")]
    return seen


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    graph = nx.relaxed_caveman_graph(16, 5, 0.3, seed=0)
    links = gl.dataset(graph, name="caves", task="link-prediction", split="random-70/10/20")
    ranked = gl.run("gae", links, epochs=3, seeds=2, store=folder)
    classified = gl.run("gcn", "karate", epochs=5, seeds=2, store=folder)
    triples = gl.run("transe", "kinship-rules/transductive", epochs=1, store=folder)
    return [
        gl.analyze("topology", links).report(folder / "links.html"),
        gl.analyze("topology", ranked).report(folder / "ranking.html"),
        *(gl.report(runs, folder / f"{runs.model}.html") for runs in (ranked, classified, triples)),
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_reports(pages, width, tmp_path):
    for page in pages:
        seen = measured(page, width, tmp_path)
        assert seen["problems"] == [] and seen["loaded"] == [], page
        assert seen["images"] > 0 and seen["broken"] == 0, page
        assert seen["cut"] == [] and seen["scrolls"] <= seen["width"], (page, seen)
        assert seen["width"] == width


def test_the_measure_sees_what_is_wrong(tmp_path):
    """A page with an error, something from elsewhere, and a row that does not fit."""
    page = tmp_path / "bad.html"
    (tmp_path / "other.css").write_text("p { color: red }")
    page.write_text(
        "<html><head><link rel='stylesheet' href='other.css'></head><body><p style='width: 2000px'>wide</p>"
        "<img src='absent.png'><script>console.error('a problem')</script></body></html>"
    )
    seen = measured(page, 390, tmp_path)
    assert seen["problems"] == ["a problem"] and seen["broken"] == 1 and len(seen["cut"]) == 1
    assert {"/other.css", "/absent.png"} <= set(seen["loaded"]) and seen["scrolls"] > 390
