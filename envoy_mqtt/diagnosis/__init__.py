"""What `envoy-mqtt doctor` makes of what it saw. Pure: facts in, findings out.

    what was seen (NamedTuples here, filled by the shell) ──► checks, in order ──► findings with a remedy each

A check without its facts says "not tried" and which check before it stands in the way.
"""
