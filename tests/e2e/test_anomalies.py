"""What people do with an anomaly; that it is found is tried by the tests of service/anomalies."""

from __future__ import annotations

import sqlite3

from .harness import store_of
from .notices import NoticesCase


class AnomaliesTest(NoticesCase):
    def test_an_anomaly_is_acknowledged_once_and_on_record(self) -> None:
        service = self.serve()
        to = self.recipient("finance@corp.example", "email")
        wanted = {"sensitivity": "high", "recipients": [to["id"]]}
        settings = self.ask("GET", "v1/usage/anomaly-settings").json
        self.assertEqual(settings, {"sensitivity": "medium", "recipients": []})
        self.assertEqual(self.ask("PUT", "v1/usage/anomaly-settings", wanted).status, 200)
        self.assertEqual(self.ask("GET", "v1/usage/anomaly-settings").json, wanted)
        self.assertEqual(self.ask("GET", "v1/usage/anomalies").json, {"anomalies": [], "next": None})
        with sqlite3.connect(store_of(service)) as store:
            store.execute(
                "INSERT INTO anomalies VALUES ('acme', 1, 'connector.compute', 1795392000000000,"
                " 1795478400000000, 'above', 0, 7200000, 0, 3600000, 5125, -9999000, 'weekday', 8,"
                " 'connector', 'okta', 830000, 'open', 1795478400000000, NULL, NULL, NULL)"
            )
        (found,) = self.ask("GET", "v1/usage/anomalies?state=open").json["anomalies"]
        self.assertEqual(
            found,
            {
                **{"id": "ano_1", "meter": "connector.compute", "direction": "above"},
                **{"from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"},
                **{"quantity": "7200000", "shown": "2", "usual": "3600000", "usual_shown": "1"},
                **{"shown_unit": "hours", "z": "5.125", "robust_z": "-9999.000"},
                **{"baseline": "weekday", "days": 8, "state": "open"},
                "explained_by": {"dimension": "connector", "value": "okta", "share": "0.830"},
                "detected_at": "2026-11-24T00:00:00Z",
            },
        )
        path, why = "v1/usage/anomalies/ano_1/acknowledge", {"reason": "a load test"}
        other = service.token("other", "admin")
        self.assertEqual(self.ask("POST", path, why, other).status, 404)
        self.assertEqual(self.ask("GET", "v1/usage/anomalies", token=other).json["anomalies"], [])
        self.assertEqual(self.ask("POST", path, why).status, 200)
        self.assertEqual(self.ask("POST", path, why).status, 409)  # a double click
        (found,) = self.ask("GET", "v1/usage/anomalies").json["anomalies"]
        self.assertEqual((found["state"], found["reason"]), ("acknowledged", "a load test"))
        records = self.ask("GET", "v1/audit/records").text
        self.assertIn("ano_1: a load test", records)
        self.assertIn("anomaly.settings_changed", records)
