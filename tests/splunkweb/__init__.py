"""A small, strict stand-in for Splunk Web in front of the stand-in for splunkd."""

from .web import SplunkWeb

__all__ = ["SplunkWeb"]
