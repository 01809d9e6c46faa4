"""The look of a report: one style sheet for screen, dark screen and paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2327; --soft: #5b6670; --rule: #d5dadf; --page: #ffffff; --tint: #f5f7f9;
  --good: #00684b; --high: #00558a; --low: #a83a00; --link: #00558a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb6; --rule: #3a424a; --page: #15191d;
  --tint: #1e2429; --good: #4fc79d; --high: #6cb8ec; --low: #f49a62; --link: #6cb8ec; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 74rem; background: var(--page); color: var(--ink);
  overflow-wrap: break-word; font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.8rem 0 .8rem; padding-top: .8rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 2rem 0 .4rem; }
p { max-width: 46rem; margin: .4rem 0 .8rem; }
a { color: var(--link); }
small, .soft, caption, figcaption { color: var(--soft); }
small { font-size: .8rem; line-height: 1.35; display: inline-block; }
.summary { font-size: 1.08rem; padding: .8rem 1rem; background: var(--tint); border-left: 4px solid var(--good); }
.summary.failed { border-left-color: var(--low); }
.wide { overflow-x: auto; max-width: 100%; }
.wide caption { white-space: normal !important; }
.wide .long { display: inline-block; min-width: 13rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: .87rem; padding-bottom: .35rem; }
th, td { text-align: left; vertical-align: top; padding: .34rem .9rem .34rem 0; border-bottom: 1px solid var(--rule); }
thead th { font-size: .82rem; font-weight: 600; color: var(--soft); border-bottom: 2px solid var(--rule); }
tbody th { font-weight: 600; }
.departs { color: var(--low); font-weight: 600; }
.agrees, .held { color: var(--good); font-weight: 600; }
.above { color: var(--high); font-weight: 600; }
.below, .missed { color: var(--low); font-weight: 600; }
.undecided { font-weight: 600; }
.not-comparable, .not-eligible, .not-tested { color: var(--soft); }
figure { margin: .8rem 0 1.4rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: 4px; }
figcaption { font-size: .87rem; margin-top: .35rem; }
code, pre { font: .87rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--tint); padding: .8rem 1rem; overflow-x: auto; border-radius: 4px; }
blockquote { margin: .4rem 0 1rem; padding: .1rem 1rem; border-left: 3px solid var(--rule); }
@media (max-width: 32rem) { body { padding: 1.2rem .9rem 3rem; } h1 { font-size: 1.5rem; }
  .wide table { font-size: .9rem; } th, td { padding-right: .6rem; } blockquote { margin-left: 0; } }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } h2 { break-after: avoid; }
  figure, tr, .summary { break-inside: avoid; } a { color: inherit; text-decoration: none; } }
"""


def page(title: str, body: str) -> str:
    """A whole HTML document that loads nothing from anywhere. `title` and `body` are HTML already."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
