"""What two widgets of a page have in common, weights above all, the page carries once; assets/static/widgets.js undoes it."""
import json

from sphinx.application import Sphinx

STATE = "application/vnd.jupyter.widget-state+json"
LONG = 1000


def share(states: dict) -> dict:
    """The saved state of a page's widgets with each long text put into a list, and {"$text": its number} in its place."""
    texts: list = []

    def shared(value: object) -> object:
        if isinstance(value, dict):
            return {key: shared(v) for key, v in value.items()}
        if isinstance(value, str) and len(value) > LONG:
            if value not in texts:
                texts.append(value)
            return {"$text": texts.index(value)}
        return value

    state = shared(states["state"])
    return {"texts": texts, **states, "state": state}       # the texts first: they are read first


def share_on_page(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        if attributes.get("type") == STATE and "$text" not in attributes["body"]:
            attributes["body"] = json.dumps(share(json.loads(attributes["body"]))).replace("</", r"<\/")


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", share_on_page, priority=900)       # after MyST-NB has put it there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
