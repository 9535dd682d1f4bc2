"""The page of a review in a real browser, as wide as a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from strongroom.review.page import page
from tests.unit.review_scene import ADA, BRAM, CHIARA, ESRA, change, roster, step
from tests.unit.test_review_rendering import review

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

#: The page in a frame as wide as a phone, since no window of Chromium is narrower than 500.
_FRAME = """<!doctype html><iframe id=phone style="width:{width}px;height:3000px;border:0"
src="review.html"></iframe><pre id=said></pre><script>
phone.onload = () => {{
  const root = phone.contentDocument.documentElement;
  for (const each of root.querySelectorAll("details")) each.open = true;
  const wide = [...root.querySelectorAll("*")].filter(
    each => each.getBoundingClientRect().right > {width} + 0.5).map(each => each.tagName);
  const cells = root.querySelectorAll("td.gained").length;
  said.textContent = `${{root.scrollWidth}} [${{wide}}] ${{cells}}`;
}};
</script>"""


@pytest.mark.skipif(BROWSER is None, reason=f"no browser: none of {', '.join(BROWSERS)} on PATH")
@pytest.mark.parametrize("width", [390, 320])
def test_nothing_is_wider_than_a_phone(tmp_path: Path, width: int) -> None:
    hired = f"a{'long' * 15}: {{name: {'W' * 90}, tier: senior}}"
    after = roster(
        (ADA, BRAM, CHIARA.replace("mid", "senior"), hired),
        services=["web: {rights: {app: [SELECT, INSERT, EXECUTE]}}", "migrator: {ddl: true}"],
    )
    subject = change(
        tmp_path,
        after=after,
        steps=[step("strongroom:local:Primary", "replace", f"primary-{'x' * 90}")],
        files=(f"components/{'deep/' * 30}x.py",),
        becomes={"snapshotKeepDays": 3, "vault": f"/mnt/{'v' * 120}"},
    )
    (tmp_path / "review.html").write_text(page(review(subject)))
    (tmp_path / "frame.html").write_text(_FRAME.format(width=width))
    done = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={tmp_path / 'profile'}", "--allow-file-access-from-files",
         "--virtual-time-budget=5000", "--dump-dom", (tmp_path / "frame.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    found = re.search(r'<pre id="said">(\d+) \[(.*?)\] (\d+)</pre>', done.stdout)
    assert found, done.stdout[-2000:]
    assert int(found[1]) <= width
    assert found[2] == "", "these stick out"
    assert int(found[3]) > 10


def test_esra_is_seen_to_leave(tmp_path: Path) -> None:
    shown = page(review(change(tmp_path, after=roster((ADA, BRAM, CHIARA)))))
    assert "leaves, was junior" in shown
    assert ESRA.partition(":")[0] in shown
