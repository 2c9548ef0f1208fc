"""The workflow actions: on CIM fields and no others, two for each, made here and kept in step.

A list of several fields in one stanza would ask for all of them in one event, so each field has stanzas of
its own. UPDATE=1 writes default/workflow_actions.conf anew.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from splunkd import conf

APP = Path(__file__).resolve().parent.parent
PATH = APP / "default/workflow_actions.conf"

# Fields of the Common Information Model's data models that name a thing, whether or not they are mapped.
CIM = """
    src src_ip src_mac src_dns src_nt_host src_translated_ip
    dest dest_ip dest_mac dest_dns dest_nt_host dest_translated_ip
    dvc dvc_ip dvc_mac
    user user_name src_user src_user_name
    url url_domain site http_referrer http_referrer_domain uri_path
    query answer
    process process_name process_path process_exec process_hash
    parent_process parent_process_name parent_process_path parent_process_exec
    file_path file_name file_hash
    registry_path registry_key_name
    service_path service_exec service_dll service_dll_path service_hash service_dll_hash
    sender return_addr orig_src recipient orig_recipient
    ssl_hash ssl_serial ssl_subject_common_name ssl_subject_email ssl_issuer_email
    cve bugtraq cert
""".split()

HEAD = """# Made by tests/app_tests.py (UPDATE=1) from the CIM fields that lookups/intelgraph_fields.csv maps.
# One stanza a field: an action with several fields appears only where an event has all of them.
"""

OPEN = """
[intelgraph_open_{field}]
type = link
label = Open in IntelGraph
fields = {field}
display_location = field_menu
link.method = get
link.target = blank
link.uri = /app/intelgraph/open?field={field}&value=${field}$
"""

HANDOFF = """
[intelgraph_handoff_{field}]
type = search
label = Hand off this event to IntelGraph
fields = {field}
display_location = field_menu
search.app = search
search.view = search
search.target = blank
search.preserve_timerange = 1
search.search_string = | loadjob "$@sid$" events=true | streamstats count AS intelgraph_event \
| where intelgraph_event = $@offset$ + 1 | fields - intelgraph_event \
| ighandoff title="Event $@offset$ of search $@sid$"
"""

KEYS = {
    "link": {"type", "label", "fields", "display_location", "link.method", "link.target", "link.uri"},
    "search": {
        "type", "label", "fields", "display_location", "search.app", "search.view", "search.target",
        "search.preserve_timerange", "search.search_string",
    },
}


def mapped_cim_fields() -> list[str]:
    """In the order of the lookup."""
    with (APP / "lookups/intelgraph_fields.csv").open(encoding="utf-8", newline="") as file:
        mapped = [row["field"] for row in csv.DictReader(file) if row["kind"] != "ignore"]
    return [field for field in mapped if field in CIM]


def made() -> str:
    stanzas = (each.format(field=field) for field in mapped_cim_fields() for each in (OPEN, HANDOFF))
    return HEAD + "".join(stanzas)


def lint_workflow(tap) -> None:
    if os.environ.get("UPDATE"):
        PATH.write_text(made(), "utf-8")
    text = PATH.read_text("utf-8")
    tap.point(text == made(), "workflow_actions.conf has an action for each mapped CIM field and no other",
              "run with UPDATE=1 and read the difference")
    stanzas = {name: keys for name, keys in conf.parse_conf(text, PATH.name).items() if keys}
    fields = {stanza["fields"] for stanza in stanzas.values()}
    tap.point(fields == set(mapped_cim_fields()) and len(stanzas) == 2 * len(fields) > 100,
              "each of these fields has the two actions", f"{len(stanzas)} for {len(fields)}")
    wrong = [name for name, stanza in stanzas.items() if set(stanza) != KEYS[stanza["type"]]]
    tap.point(not wrong, "workflow_actions.conf has only keys of the spec", str(wrong))
    tap.point("$!" not in text and "_raw" not in text, "no value goes out without its encoding, and no event")
