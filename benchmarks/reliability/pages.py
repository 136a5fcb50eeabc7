"""Pages in a real Chromium at the widths of a phone, a tablet, a screen and a sheet: nothing cut, nothing printed over."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.reliability.outcomes import Trial

# Blocks that reach beyond the page or beyond what scrolls them, and text that is cut off by its own block (a name that ends in an
# ellipsis tells itself whole when pointed at).
OVERFLOWS = """() => {
  const bad = [], page = document.documentElement.clientWidth;
  for (const block of document.querySelectorAll("body *")) {
    if (block.closest("svg") && block.tagName !== "svg") continue;
    const style = getComputedStyle(block), box = block.getBoundingClientRect();
    if (style.display === "none" || style.visibility === "hidden" || !box.width || !box.height) continue;
    if (block.closest(".skip, #tip")) continue;
    const said = block.tagName + "." + block.getAttribute("class") + ": " + block.textContent.trim().slice(0, 40);
    if (!block.closest(".scroll") && (box.right > page + 1 || box.left < -1)) bad.push("beyond the page: " + said);
    const told = style.textOverflow === "ellipsis" && (block.title || block.closest("[title]"));
    if (style.overflowX === "hidden" && block.scrollWidth > block.clientWidth + 1 && !told) bad.push("cut: " + said);
    if (block.matches(".value, h1, h2, .banner") && block.scrollWidth > block.clientWidth + 1) bad.push("too wide: " + said);
  }
  return bad;
}"""
# Words of a chart that are printed over each other.
OVERPRINTS = """() => {
  const bad = [];
  for (const chart of document.querySelectorAll("svg.chart")) {
    const words = [...chart.querySelectorAll("text")].filter(word => word.textContent.trim() && word.getBoundingClientRect().width);
    words.forEach((one, number) => words.slice(number + 1).forEach(other => {
      const a = one.getBoundingClientRect(), b = other.getBoundingClientRect();
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 2) bad.push(one.textContent + " | " + other.textContent);
    }));
  }
  return bad;
}"""
# A machine without a Chinese font shows a narrow box for each sign, and all fits that would not where signs are as wide as they are high.
# There every run of them is spaced out to that width, so that what is measured is the page of a reader who has the font; returns how wide
# a sign was [of its height].
WIDEN_HAN = r"""() => {
  const probe = document.body.appendChild(document.createElement("span"));
  probe.style.cssText = "font-size:100px;position:absolute;white-space:nowrap";
  probe.textContent = "分拨中心件量";
  const wide = probe.getBoundingClientRect().width / 600;
  probe.remove();
  if (wide > 0.95) return wide;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("script, style, title, option")) texts.push(walk.currentNode);
  for (const text of texts) {
    const parts = text.data.split(/([\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+)/);
    if (parts.length < 2) continue;
    const inSvg = text.parentElement instanceof SVGElement;
    text.replaceWith(...parts.filter(part => part).map((part, number) => {
      if (!/^[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]/.test(part)) return document.createTextNode(part);
      const run = inSvg ? document.createElementNS("http://www.w3.org/2000/svg", "tspan") : document.createElement("span");
      run.style.letterSpacing = (1 - wide).toFixed(3) + "em";
      run.textContent = part;
      return run;
    }));
  }
  return wide;
}"""
_SCROLLED = """() => [...document.querySelectorAll(".scroll")]
  .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => "wider than the sheet: " + box.textContent.trim().slice(0, 40))"""
A4 = 703  # pixels: the 186 mm between the margins of the sheet
WIDTHS = (390, 768, 1440, A4)
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def find_chromium() -> str | None:
    """Return the system's Chromium, if there is one."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def measure_pages(files: list[Path]) -> tuple[Trial, ...]:
    """Open each page at each width and measure every block; nothing is returned where there is no Chromium.

    Parameters
    ----------
    files
        HTML files.
    """
    from playwright.sync_api import sync_playwright

    found = find_chromium()
    if found is None:
        return ()
    trials = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        for file in files:
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 900})
                if width == A4:
                    page.emulate_media(media="print")
                page.goto(file.as_uri())
                page.evaluate(WIDEN_HAN)
                bad = [*page.evaluate(OVERFLOWS), *page.evaluate(OVERPRINTS)]
                if width == A4:  # paper does not scroll
                    bad += page.evaluate(_SCROLLED)
                kind = "on A4" if width == A4 else f"at {width} pixels"
                text = f"{file.name}: {bad[:3]}"
                trials.append(Trial(kind, "a block is cut or printed over" if bad else "nothing cut", not bad, text))
                page.close()
        browser.close()
    return tuple(trials)
