"""Report and live page in headless Chromium: nothing outward, no error, no sideways scroll."""

import json
from contextlib import ExitStack
from datetime import timedelta
from importlib.resources import files
from urllib.parse import urlsplit

import pytest

from optimizer.app import past_report
from optimizer.app.live_access import COOKIE, Access
from optimizer.report import owner_report
from tests.app.live_stand import house, served

LOOKS = {
    "wide light": {"width": 1100}, "wide dark": {"width": 1100, "dark": True},
    "tablet": {"width": 768}, "phone light": {"width": 360},
    "phone dark": {"width": 360, "dark": True}, "print": {"width": 794, "media": "print"},
}  # fmt: skip
MOST_BYTES = {"live": 200_000, "report": 200_000}
AXE = (files("axe_core_python") / "axe.min.js").read_text()

SIDEWAYS = """[...document.querySelectorAll("body *")]
  .filter((part) => !part.closest(".scroll, svg") && part.getBoundingClientRect().right >
    document.documentElement.clientWidth + 1).map((part) => part.outerHTML.slice(0, 90))"""
CUT = """[...document.querySelectorAll("svg.picture")]
  .filter((picture) => picture.getBoundingClientRect().width > 0)
  .flatMap((picture) => [...picture.querySelectorAll("text")].filter((text) => {
    const box = text.getBoundingClientRect(), all = picture.getBoundingClientRect();
    return box.left < all.left - 1 || box.right > all.right + 1 || box.top < all.top - 1;
  }).map((text) => text.textContent))"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return house(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def pages(home, tmp_path_factory):
    """Addresses of the live page and of the report's file."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    report = past_report.owner_report(home.config, home.now, 7)
    path.write_text(owner_report.render(report))
    with served(home) as address:
        home.cycle()
        yield {"live": f"{address}/", "report": path.as_uri()}


def outward(tab, url):
    """Requests that left the page's own origin."""
    own = urlsplit(url)
    return [
        asked for asked in tab.requests
        if (urlsplit(asked).scheme, urlsplit(asked).netloc) != (own.scheme, own.netloc)
        and not asked.startswith(("data:", "blob:"))
    ]  # fmt: skip


def well_behaved(tab, url):
    """Assert that a page asks nobody else, reports no error, and needs no sideways scroll."""
    assert outward(tab, url) == []
    assert tab.errors == []
    assert tab.run(SIDEWAYS) == []
    wide = tab.run("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide[0] <= wide[1]
    assert tab.run(CUT) == []


def axe(tab):
    """Violations of the rules for accessibility, each with the elements."""
    tab.call("Page.setBypassCSP", enabled=True)
    tab.run(f"{AXE}; 0")
    found = json.loads(tab.run(
        "axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a',"
        " 'wcag21aa', 'best-practice']}).then((done) => JSON.stringify(done.violations))"
    ))  # fmt: skip
    return [
        f"{one['id']}: {[(node['html'][:120], node['any'][:1]) for node in one['nodes'][:4]]}"
        for one in found
    ]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", ["live", "report"])
def test_a_page_is_whole_in_every_look(tab, pages, name, look):
    url = pages[name]
    tab.look(**LOOKS[look])
    tab.open(url)
    if name == "report":
        assert len(tab.run("document.documentElement.outerHTML")) < MOST_BYTES[name]
    tab.shoot(f"{name} {look}")
    well_behaved(tab, url)
    visible = tab.run(
        "[...document.querySelectorAll('svg.picture')].filter((one) => one.clientWidth > 0)"
        ".map((one) => one.classList.contains('narrow'))"
    )
    assert visible == [LOOKS[look]["width"] == 360] * 2
    if look == "print":
        pdf = tab.print()
        assert pdf.startswith(b"%PDF")
        assert tab.run("getComputedStyle(document.body).backgroundColor") in (
            "rgb(255, 255, 255)", "rgba(0, 0, 0, 0)",
        )  # fmt: skip
    else:
        assert axe(tab) == []


STATES = {
    "negative prices": ("summer", 4, 11.0), "clock back": ("autumn", 6, 12.0),
    "clock forward": ("spring", 6, 12.0),
}  # fmt: skip


@pytest.mark.parametrize("state", [*STATES, "stale", "paused", "shadow", "no store"])
def test_a_live_page_is_whole_in_every_state(tab, tmp_path, state):
    week, day, hour = STATES.get(state, ("winter", 4, 15.5))
    at = house(tmp_path, week, day, hour, "<script>alert(1)</script>", recorded=state != "no store")
    if state == "stale":
        at = at.later(timedelta(days=2))
    elif state == "paused":
        at.paused()
    elif state == "negative prices":
        at.negative_prices()
    with served(at) as address:
        if state == "shadow":
            at.cycle(shadow=True)
        for width in (1100, 360):
            tab.look(width, dark=state in ("paused", "clock back"))
            tab.open(f"{address}/")
            tab.shoot(f"{state} {width}")
            well_behaved(tab, address)
        assert axe(tab) == []
        assert "<script>alert(1)</script>" in tab.run("document.querySelector('h1').textContent")


def test_the_policy_is_in_force(tab, pages):
    """What the other tests would not see if it was not: a script and a style of somebody else."""
    tab.open(pages["live"])
    tab.run(
        "(() => { const part = document.createElement('script'); part.textContent = 'evil = 1';"
        " document.body.append(part); document.body.setAttribute('style', 'color: red'); })()"
    )
    assert tab.run("typeof evil") == "undefined"
    assert tab.run("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    assert len([error for error in tab.errors if "Content Security Policy" in error]) == 2


def test_the_readout_follows_pointer_and_slider(tab, pages):
    tab.look()
    tab.open(pages["live"])
    tab.run("document.querySelector('svg.wide').scrollIntoView()")
    spot = tab.run(
        "(() => { const box = document.querySelector('svg.wide').getBoundingClientRect();"
        " return [box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=spot[0], y=spot[1])
    said = "document.querySelector('.readout output').textContent"
    first = tab.run(said)
    assert "buying" in first
    assert "house" in first
    tab.run(
        "(() => { const slider = document.querySelector('.readout input'); slider.value = 3;"
        " slider.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    assert tab.run(said).startswith("Fri 00:45-01:00  buying")
    assert tab.run("document.querySelectorAll('svg.wide line.cursor').length") == 1
    tab.shoot("read-out")
    well_behaved(tab, pages["live"])


def test_the_page_refreshes_itself_and_says_when_nobody_answers(tab, home):
    with ExitStack() as stack:
        address = stack.enter_context(served(home))
        home.cycle()
        tab.look()
        tab.open(f"{address}/")
        tab.run(
            "document.querySelector('details').open = true; marked = document.querySelector('h1')"
        )
        home.cycle(ago_s=300)  # it has ended meanwhile
        tab.run("refresh()")
        assert tab.run("document.querySelector('h1') !== marked")
        assert tab.run("document.querySelector('details').open")
        assert "No executor is running" in tab.run("document.querySelector('main').textContent")
        assert not tab.run("document.querySelector('.readout').hidden")
        assert tab.run("document.getElementById('offline').hidden")
        assert tab.errors == []
    tab.run("refresh()")
    assert not tab.run("document.getElementById('offline').hidden")


def test_a_chosen_day_is_shown_at_once(tab, pages):
    tab.look()
    tab.open(pages["live"])
    before = tab.loads
    tab.run(
        "(() => { const field = document.querySelector('input[type=date]'); field.value ="
        " '2026-01-13'; field.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )
    tab.wait_for(lambda: tab.loads > before)
    assert tab.run("location.search") == "?day=2026-01-13"
    assert "Tuesday 13 January" in tab.run("document.getElementById('day').textContent")
    well_behaved(tab, pages["live"])


def test_without_script_everything_is_there(tab, pages):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.look()
    tab.open(pages["live"])
    tree = tab.call("DOMSnapshot.captureSnapshot", computedStyles=[])
    text = " ".join(tree["strings"])
    for words in ("Today and tomorrow", "What it saved", "as it came", "Health", "Show"):
        assert words in text
    assert outward(tab, pages["live"]) == []
    assert tab.errors == []


def test_the_token_becomes_a_cookie_that_no_script_reads(browser, home):
    token = "0123456789abcdef-xyzzy"
    with browser.tab() as tab, served(home, Access(token=token)) as address:
        tab.open(f"{address}/?token={token}")
        assert tab.run("location.href") == f"{address}/"
        assert tab.run("document.cookie") == ""
        assert tab.run("fetch('/status.json').then((answer) => answer.status)") == 200
        (cookie,) = tab.call("Network.getCookies")["cookies"]
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (COOKIE, True, "Strict")
