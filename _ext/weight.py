"""Pages that weigh little: of the theme's two thousand icons the pages get those that they show.

The theme draws icons with a script of 1.5 MB (left out by icons/static/webpack-macros.html) or with fonts of
0.3 MB. Here the fonts are cut down to the icons that the built pages name, and so is the stylesheet. On Python 3.9 and
3.10 the lock file holds an older theme that is built otherwise: there the pages keep the theme's own icons.
"""
import re
import sys
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx

RULE = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"\\[0-9a-f]+"\}')
FONT_FACE = re.compile(r"(src:url\(\.\./vendor/fontawesome/webfonts/[\w-]+)\.woff2\)[^}]*\}")


def keep_icons_that_are_used(app: Sphinx, exception: "Exception | None") -> None:
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    used = set()
    for path in [*Path(app.outdir).rglob("*.html"), *(static / "scripts").glob("*theme.js")]:
        used.update(re.findall(r"fa-[a-z0-9-]+", path.read_text(encoding="utf-8")))

    stylesheet = static / "styles" / "pydata-sphinx-theme.css"

    def keep(rule: re.Match) -> str:
        return "" if used.isdisjoint(re.findall(r"fa-[\w-]+", rule[1])) else rule[0]

    text = RULE.sub(keep, stylesheet.read_text(encoding="utf-8"))
    stylesheet.write_text(FONT_FACE.sub(r'\1.woff) format("woff")}', text), encoding="utf-8")
    code_points = set()
    for path in static.rglob("*.css"):  # a stylesheet writes an icon as itself or by its code
        text = path.read_text(encoding="utf-8")
        code_points.update(int(code, 16) for code in re.findall(r"\\([ef][0-9a-f]{3})", text))
        code_points.update(map(ord, re.findall("[\ue000-\uf8ff]", text)))
    for font in (static / "vendor" / "fontawesome" / "webfonts").glob("*.ttf"):
        options = subset.Options(flavor="woff", notdef_outline=True)
        with subset.load_font(str(font), options) as glyphs:
            subsetter = subset.Subsetter(options)
            subsetter.populate(unicodes=code_points)
            subsetter.subset(glyphs)
            subset.save_font(glyphs, str(font.with_suffix(".woff")), options)


def leave_out_the_script(app: Sphinx, config: object) -> None:
    app.config.templates_path = [*app.config.templates_path, "_ext/icons"]


def setup(app: Sphinx) -> dict:
    if sys.version_info >= (3, 11):
        app.connect("config-inited", leave_out_the_script)
        app.connect("build-finished", keep_icons_that_are_used)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
