"""`envoy-mqtt cleanup`: what bridges have left at the broker under a base topic, found and emptied.

async with cleaning(settings, base, serial) as cleaning:
    cleaning.topics, cleaning.running     to be shown, and to be asked about
    await cleaning.empty()                the topics that are still there, or are refused
"""
