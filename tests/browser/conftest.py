"""A real server and a real Chromium for the journeys. Requests that leave this machine are refused and recorded."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, WebError, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from scripts.app_session import (
    ServerProcess,
    chromium,
    is_local,
    pixel,
    settle,
    start_server,
    stop_server,
)

DESKTOP = {"width": 1440, "height": 900}
# Longest wait for anything a person asked for: far more than is good, so that a busy machine fails no journey.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
#: As a browser that is to save data: pages are made when they are opened, so nothing comes that no journey asked for.
SAVES_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
_ADDRESS_SAYS = """(wanted) => {
    const said = new URLSearchParams(location.search);
    return Object.entries(wanted).every(([key, value]) => said.get(key) === value);
}"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The app on the shipped data and models, one process for all journeys."""
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running
    stop_server(running)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium for all journeys; pages of one context share a process and the scripts it has compiled."""
    with chromium("--process-per-site") as running:
        yield running


class Seats:
    """Browser contexts, each for one visitor at a time: the next one finds no more than the app's scripts, compiled.

    To compile them anew is a third of what opening the app costs a browser. Cookies and all that is stored go with the
    visitor; a page of the server's that stays open keeps the process.
    """

    MOST = 3  # empty ones; each holds a process

    def __init__(self, browser: Browser, server: ServerProcess) -> None:
        self._browser, self._server = browser, server
        self._empty: list[tuple[str, BrowserContext]] = []
        self._taken: dict[BrowserContext, tuple[str, Page]] = {}

    def take(self, ahead: bool = False, **options: object) -> BrowserContext:
        """A context with playwright's options, as new; with ``ahead`` the app makes pages before they are opened."""
        key = repr((ahead, sorted(options.items())))
        context = next((context for kept, context in self._empty if kept == key), None)
        if context is None:
            context = self._browser.new_context(**options)  # type: ignore[arg-type]
            context.set_default_timeout(PATIENCE_MS)
            context.new_page().goto(f"{self._server.url}/liveness")
            if not ahead:
                context.add_init_script(SAVES_DATA)
        else:
            self._empty.remove((key, context))
        self._taken[context] = key, context.pages[0]
        return context

    def leave(self, context: BrowserContext) -> None:
        """The visitor goes, and all that is theirs."""
        key, stays = self._taken.pop(context)
        for page in context.pages:
            if page is not stays:
                page.close()
        context.clear_cookies()
        session = context.new_cdp_session(stays)
        session.send("Storage.clearDataForOrigin", {"origin": self._server.url, "storageTypes": "all"})
        session.detach()
        self._empty.append((key, context))
        if len(self._empty) > self.MOST:
            self._empty.pop(0)[1].close()


@pytest.fixture(scope="session")
def seats(browser: Browser, server: ServerProcess) -> Seats:
    """For the visitors of all journeys."""
    return Seats(browser, server)


@dataclass
class Watch:
    """What went wrong in the browser during one test."""

    foreign_requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    page_errors: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    # Patterns of console errors and failed requests that this one test provokes on purpose.
    expected: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Return every recorded problem that was not expected; a foreign request is never expected."""
        told = (
            [f"console error: {text}" for text in self.console_errors]
            + [f"page error: {text}" for text in self.page_errors]
            + [f"failed request: {text}" for text in self.failed_requests]
        )
        unexpected = [text for text in told if not any(re.search(pattern, text) for pattern in self.expected)]
        return [f"request to another host: {url}" for url in self.foreign_requests] + unexpected

    def attach(self, context: BrowserContext) -> Callable[[], None]:
        """Record foreign requests and errors on every page of a browser context; return how to end that.

        What refuses the foreign ones is the browser (`CHROMIUM_OPTIONS`): a route would cost it its cache.
        """

        def on_request(request: Request) -> None:
            if urlsplit(request.url).scheme in ("http", "https") and not is_local(request.url):
                self.foreign_requests.append(request.url)

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                place = message.location.get("url", "")
                self.console_errors.append(f"{message.text} ({place})")

        def on_failed(request: Request) -> None:
            # A page that is closed or reloaded aborts what is still on its way; that is no fault of ours.
            if is_local(request.url) and request.failure != "net::ERR_ABORTED":
                self.failed_requests.append(f"{request.url} ({request.failure})")

        def on_page(page: Page) -> None:
            page.on("websocket", lambda socket: self._check_socket(socket.url))

        def on_error(error: WebError) -> None:
            self.page_errors.append(str(error.error))

        heard = {
            "request": on_request, "console": on_console, "weberror": on_error,
            "requestfailed": on_failed, "page": on_page,
        }  # fmt: skip
        for name, act in heard.items():
            context.on(name, act)  # type: ignore[call-overload]

        def end() -> None:
            for name, act in heard.items():
                context.remove_listener(name, act)

        return end

    def _check_socket(self, url: str) -> None:
        if not is_local(url):
            self.foreign_requests.append(url)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Records problems of every page of the test, and fails the test at its end if there were any."""
    record = Watch()
    yield record
    problems = record.problems()
    assert not problems, "\n".join(problems)


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(seats: Seats, watch: Watch) -> Iterator[NewPage]:
    """Return a function that opens a page of a new visitor (own cookies and session), watched.

    ``new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")``: options as of playwright's
    ``Browser.new_context``. With ``ahead`` pages are made before they are opened, as for everybody.
    """
    ends: list[Callable[[], None]] = []

    def open_page(ahead: bool = False, **options: object) -> Page:
        settings = {"viewport": DESKTOP, "reduced_motion": "reduce", "accept_downloads": True} | options
        context = seats.take(ahead, **settings)
        ends.extend((partial(seats.leave, context), watch.attach(context)))
        return context.new_page()

    yield open_page
    for end in ends:
        end()


class Explorer:
    """The Explore page as one visitor has it: where things are (by role and label) and what can be done."""

    def __init__(self, server: ServerProcess, page: Page) -> None:
        self.page, self._app = page, server.app
        place = page.get_by_role("region", name="Chosen place")
        self.place = place.get_by_role("heading", level=2)
        self.sentence = place.get_by_role("status")
        self.message = place.get_by_role("alert")
        self.map = page.get_by_role("img", name="Map:")
        self.curves = page.get_by_role("img", name=re.compile("stored water (swings|ranges|departs)"))
        self.memory = page.get_by_role("img", name=re.compile("the memory of stored water"))
        self.rain = page.get_by_role("img", name=re.compile("^Precipitation:"))
        self.selection = page.get_by_role("group", name="Selection")
        self.month = page.get_by_role("slider", name="Month")

    def open(self, query: str = "") -> Explorer:
        """Open the app with a query string ('' or '?...') and wait until it is filled."""
        self.page.goto(self._app + query, wait_until="domcontentloaded")
        return self.filled()

    def visit(self, query: str) -> Explorer:
        """Open another page by its link and wait until it rests."""
        self.page.goto(f"{self._app}?{query}", wait_until="domcontentloaded")
        settle(self.page, timeout=PATIENCE_MS / 1000)
        return self

    def filled(self) -> Explorer:
        """Wait until map, curves and heatmap are there and rest."""
        settle(self.page, timeout=PATIENCE_MS / 1000)
        expect(self.memory).to_be_visible()
        return self

    def button(self, name: str, **options: bool) -> Locator:
        """A button by its accessible name, exactly."""
        return self.page.get_by_role("button", name=name, exact=options.get("exact", True))

    def radio(self, name: str) -> Locator:
        """One of a few options."""
        return self.page.get_by_role("radio", name=name, exact=True)

    def tap(self, lat: float, lon: float) -> None:
        """Click the map at a place (degrees), no faster than a person moves the pointer from one to another."""
        self.map.scroll_into_view_if_needed()
        self.page.wait_for_timeout(400)  # Bokeh takes two clicks within 300 ms for one double click
        x, y = pixel(self.page, lat, lon)
        self.page.mouse.click(x, y)

    def fill(self, label: str, text: str) -> None:
        """Write into a field and press Enter."""
        self.page.get_by_label(label).fill(text)
        self.page.get_by_label(label).press("Enter")

    def choose_region(self, name: str) -> None:
        """Choose a named region or country."""
        box = self.page.get_by_role("combobox", name="Region, country or basin")
        box.click()
        box.fill(name)
        self.page.get_by_role("option", name=name, exact=True).click()

    def pick(self, label: str, option: str) -> None:
        """Choose from a drop-down list."""
        self.page.get_by_role("combobox", name=label).click()
        listed = self.page.get_by_role("listbox", name=label)
        listed.get_by_text(option, exact=True).click()
        expect(listed).to_be_hidden()

    def query(self) -> dict[str, str]:
        """What the address says."""
        return {key: values[0] for key, values in parse_qs(urlsplit(self.page.url).query).items()}

    def address_says(self, **wanted: str | None) -> None:
        """Wait until the address says all of this (None: says nothing of it); it follows the view, a moment later."""
        try:
            self.page.wait_for_function(_ADDRESS_SAYS, arg=wanted)
        except PlaywrightTimeout:
            raise AssertionError(f"the address says {self.query()}, not {wanted}") from None

    def click_if_there(self, name: str) -> None:
        """Click a button that may be gone by now, as what it stops may have ended; looked for and clicked at once."""
        self.button(name).evaluate_all("(found) => found.find((button) => button.checkVisibility())?.click()")

    def until(self, holds: Callable[[], object], told: str) -> None:
        """Wait until something holds that no locator can say (pixels, counts); ``told`` when it never does."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not holds():
            assert time.monotonic() < deadline, told
            self.page.wait_for_timeout(100)

    def drawn(self, plot: Locator, *, unlike: bytes = b"") -> bytes:
        """Pixels of a plot, once it shows more than ten colours and another picture than the one given."""
        found = self.picture(plot)

        def holds() -> bool:
            nonlocal found
            found = self.picture(plot)
            return len(found.getcolors(1 << 20) or []) > 10 and found.tobytes() != unlike

        self.until(holds, f"nothing {'else ' * bool(unlike)}is drawn in {self.text_of(plot)}")
        return found.tobytes()

    def cells_left(self) -> int:
        """Number of cells the filters leave, as the page says it."""
        text = self.selection.get_by_text(re.compile(r"[\d,]+ (of|land) ")).inner_text()
        return int(text.split()[0].replace(",", ""))

    def text_of(self, picture: Locator) -> str:
        """What a screen reader says of a plot."""
        return picture.get_attribute("aria-label") or ""

    def picture(self, plot: Locator) -> Image.Image:
        """Pixels of a plot."""
        return Image.open(BytesIO(plot.screenshot())).convert("RGB")

    def color_at(self, lat: float, lon: float) -> tuple[int, int, int]:
        """Colour (red, green, blue) of the map at a place (degrees)."""
        box = self.map.bounding_box()
        assert box is not None
        x, y = pixel(self.page, lat, lon)
        red, green, blue = self.picture(self.map).getpixel((round(x - box["x"]), round(y - box["y"])))  # type: ignore[misc]
        return red, green, blue


NewExplorer = Callable[..., Explorer]


@pytest.fixture
def visitor(server: ServerProcess, new_page: NewPage) -> NewExplorer:
    """Return a function that makes a new visitor; options as of `new_page`."""
    return lambda **options: Explorer(server, new_page(**options))


@pytest.fixture
def app(visitor: NewExplorer) -> Explorer:
    """A visitor with a desktop screen who has not opened the app yet."""
    return visitor()
