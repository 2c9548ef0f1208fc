"""What Splunk Web itself gives every page: its scripts, its header, its sign-in page."""

from __future__ import annotations

import html
import json

BUILD = "stand1n"


def config_js(port: int, user: str, app_build: str) -> str:
    """/config?autoload=1: the object $C that Splunk's libraries read."""
    values = {
        "APP_BUILD": app_build,
        "BUILD_NUMBER": BUILD,
        "BUILD_PUSH_NUMBER": 0,
        "LOCALE": "en-US",
        "MRSPARKLE_PORT_NUMBER": port,
        "MRSPARKLE_ROOT_PATH": "",
        "SERVER_ZONEINFO": "### SERIALIZED TIMEZONE FORMAT 1.0;Y0 N UTC;@",
        "SPLUNKD_PATH": "/en-US/splunkd/__raw",
        "SPLUNK_UI_THEME": "enterprise",
        "USERNAME": user,
        "VERSION_LABEL": "9.4.6",
    }
    return f"window.$C = {json.dumps(values)};\n"


I18N_JS = "window._ = window._ || function (text) { return text; };\n"

# Splunk's loader is on its pages; a bundle that hands itself to it never runs.
AMD_JS = "window.define = function () {}; window.define.amd = {};\n"


def theme_js(theme: str) -> str:
    """build/api/get_theme.js"""
    return (
        "window.__get_theme__ = {getTheme: function () "
        f"{{ return Promise.resolve({json.dumps(theme)}); }}}};\n"
    )


LAYOUT_JS = """
(function () {
    var dark = %s;
    function element(name, style, text) {
        var made = document.createElement(name);
        made.setAttribute("style", style);
        if (text) made.textContent = text;
        return made;
    }
    window.__splunk_layout__ = {
        create: function () {
            var header = element("header", "font-family:sans-serif;font-size:14px");
            var bar = element("div", "background:#000;color:#fff;padding:8px 16px", "splunk>enterprise");
            var nav = element("nav", "background:" + (dark ? "#31373e" : "#3c444d") + ";padding:12px 16px");
            var link = element("a", "color:#fff", "IntelGraph for Splunk");
            header.setAttribute("data-view", "splunkjs/mvc/headerview");
            nav.setAttribute("aria-label", "App");
            link.setAttribute("href", "/en-US/app/intelgraph/");
            nav.appendChild(link);
            header.appendChild(bar);
            header.appendChild(nav);
            var container = document.createElement("div");
            document.body.insertBefore(header, document.body.firstChild);
            document.body.appendChild(container);
            return {getContainerElement: function () { return container; }};
        },
    };
})();
"""


def layout_js(dark: bool) -> str:
    """build/api/layout.js and layout-dark.js: they define the same name."""
    return LAYOUT_JS % json.dumps(dark)


def login_page(return_to: str, wrong: bool) -> str:
    """/account/login"""
    told = "<p role='alert'>Login failed</p>" if wrong else ""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Login | Splunk</title>"
        f"</head><body><main><h1>Splunk</h1>{told}"
        "<form method='post' action='/en-US/account/login'>"
        "<label>Username <input name='username' autocomplete='off'></label>"
        "<label>Password <input name='password' type='password' autocomplete='off'></label>"
        f"<input type='hidden' name='return_to' value='{html.escape(return_to, quote=True)}'>"
        "<button type='submit'>Sign In</button></form></main></body></html>"
    )
