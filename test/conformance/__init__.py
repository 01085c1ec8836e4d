"""Conformance: the RFCs' demands on a server, case by case; how it works stands at the top of engine.py."""
