"""Answers of real gateways, where they lie beside the repository (protocol notes, section 10)."""

from pathlib import Path

GATEWAYS = Path(__file__).parents[3] / "shared" / "gateways"


def recorded(firmware: str, answer: str) -> list[bytes]:
    """One answer's bytes, in a list that is empty only where there are no recordings at all."""
    bodies = [folder.joinpath(answer).read_bytes() for folder in GATEWAYS.glob(f"{firmware}*")]
    assert len(bodies) == GATEWAYS.exists()
    return bodies
