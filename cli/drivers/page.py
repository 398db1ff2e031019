"""The run as one page of HTML: no script, nothing fetched, colours that differ in lightness and have a word beside."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ringbed.cli.drivers.results import summary

if TYPE_CHECKING:
    from ringbed.cli.drivers.results import Report
    from ringbed.conformance.drivers.found import Found, Outcome

__all__ = ["MOST", "html_page"]

MOST = 1_000_000  # bytes
SHARES = (100, 30, 10, 3, 1)  # findings of a case that are shown, until the page is small enough
LONGEST = 1_200  # characters of a finding's text
MARKS = {"holds": "&#10003;", "findings": "&#10007;", "not applicable": "&#8211;"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em }
body { color: #111; background: #fff }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .3em .7em; border-bottom: 1px solid #bbb }
.end { white-space: nowrap; font-weight: 600 }
.holds .end { color: #14602b }
.findings .end { color: #fff; background: #8a1020 }
.not-applicable { color: #666 }
code, .rule { font-family: ui-monospace, monospace; font-size: 90% }
li { margin: .4em 0; overflow-wrap: anywhere }
.law { color: #444 }
@media (prefers-color-scheme: dark) {
  body { color: #eee; background: #161616 } td, th { border-color: #555 } .holds .end { color: #8fe0a5 }
  .findings .end { color: #111; background: #ffb3ba } .not-applicable { color: #aaa } .law { color: #bbb }
}
"""


def html_page(report: Report) -> str:
    """Under MOST bytes, whatever was found."""
    for most in SHARES:
        page = _page(report, most)
        if len(page.encode("utf-8", "replace")) < MOST:
            break
    return page.encode("utf-8", "replace").decode("utf-8")


def _page(report: Report, most: int) -> str:
    rows = "\n".join(_row(report, outcome, most) for outcome in report.outcomes)
    title = escape(f"{report.driver} on {report.nic}")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: ringbed drivers check</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{escape(summary(report)).capitalize()}. Engine {escape(report.engine)}, seed {report.seed}. All of it again:
<code>{escape(report.whole)}</code></p>
<table>
<thead><tr><th>case</th><th>ends in</th><th>what it asks, and what was found</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _row(report: Report, outcome: Outcome, most: int) -> str:
    end = outcome.end.value
    said = escape(outcome.case.asks) + (f"<br>{escape(outcome.why)}" if outcome.why else "")
    if outcome.found:
        items = "\n".join(_item(found) for found in outcome.found[:most])
        more = len(outcome.found) - most
        rest = f"<li>... and {more} more</li>" if more > 0 else ""
        said += f"\n<ol>\n{items}{rest}\n</ol>\n<p>again: <code>{escape(report.rerun(outcome))}</code></p>"
    return (
        f'<tr class="{end.replace(" ", "-")}"><td><code>{escape(outcome.case.name)}</code></td>'
        f'<td class="end">{MARKS[end]} {end}</td><td>{said}</td></tr>'
    )


def _item(found: Found) -> str:
    when = "" if found.clock is None else f" at clock {found.clock:,}"
    count = f", {found.count} times" if found.count > 1 else ""
    where = f"<br><code>{escape(', '.join(found.places))}</code>" if found.places else ""
    law = f'<br><span class="law">{escape(found.sentence)} ({escape(found.section)})</span>' if found.sentence else ""
    text = found.text if len(found.text) <= LONGEST else found.text[:LONGEST] + " ..."
    return f'<li><span class="rule">{escape(found.rule)}</span>{when}{count}: {escape(text)}{where}{law}</li>'
