"""The alert action's files agree: conf, form, specs, icon; and the form is what Splunk's alert dialog takes."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from splunkd import conf

APP = Path(__file__).resolve().parent.parent
ACTION = "send_to_intelgraph"
# What the dialog renders. Scripts, handlers and anything that loads are not among it.
TAGS = {
    "form", "splunk-control-group", "splunk-text-input", "splunk-text-area", "splunk-select",
    "splunk-radio-input", "splunk-search-dropdown", "option", "p", "a", "code",
}
ATTRIBUTES = {"class", "label", "help", "name", "value", "href", "target", "rel"}


def lint_alert(tap) -> None:
    stanza = conf.parse_conf((APP / "default/alert_actions.conf").read_text("utf-8"))[ACTION]
    parameters = {key.removeprefix("param.") for key in stanza if key.startswith("param.")} - {"_cam"}
    form = ElementTree.fromstring((APP / f"default/data/ui/alerts/{ACTION}.html").read_text("utf-8"))
    elements = list(form.iter())
    named = {each.get("name", "") for each in elements} - {""}
    tap.point(named == {f"action.{ACTION}.param.{name}" for name in parameters},
              "the alert's form has an input for each parameter and for no other", str(sorted(named)))
    wrong = {each.tag for each in elements} - TAGS
    wrong |= {name for each in elements for name in each.attrib} - ATTRIBUTES
    links = [each.get("href", "") for each in elements if each.tag == "a"]
    wrong |= {link for link in links if not link.startswith("{{SPLUNKWEB_URL_PREFIX}}/app/")}
    tap.point(not wrong, "the alert's form has only what Splunk's dialog renders, and no script", str(wrong))
    spec = (APP / "README/alert_actions.conf.spec").read_text("utf-8")
    saved = (APP / "README/savedsearches.conf.spec").read_text("utf-8")
    documented = set(re.findall(r"^param\.(\w+) = <", spec, re.M)) - {"_cam"}
    for_searches = set(re.findall(rf"^action\.{ACTION}\.param\.(\w+) = <", saved, re.M))
    tap.point(documented == for_searches == parameters, "the alert's specs document each parameter",
              f"{sorted(documented)} {sorted(for_searches)} {sorted(parameters)}")
    header = (APP / "native/alert/alert.h").read_text("utf-8")
    codes = set(re.findall(r"ALERT_\w+ = (\d)", header))
    told = set(re.findall(r"^\* (\d): ", spec, re.M))
    tap.point(codes == told, "the alert's spec documents each exit status", f"{codes ^ told}")
    icon = APP / "appserver/static" / stanza["icon_path"]
    tap.point(icon.is_file() and 0 < len(stanza["label"]) < 80, "the alert has its icon and its label")
    lint_cam(tap, stanza["param._cam"])


def lint_cam(tap, text: str) -> None:
    """What Enterprise Security asks of param._cam."""
    cam = json.loads(text)
    lists = all(isinstance(cam[key], list) and cam[key] for key in ("category", "task", "subject"))
    technology = all(
        set(each) == {"vendor", "product", "version"} and isinstance(each["version"], list)
        for each in cam["technology"]
    )
    flags = all(isinstance(cam[key], bool) for key in ("supports_adhoc", "supports_cloud"))
    tap.point(lists and technology and flags and "$sid$" in cam["drilldown_uri"],
              "param._cam is what an adaptive response must say", str(cam))
