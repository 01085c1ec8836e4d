"""Pings and pongs (RFC 6455 5.5.2, 5.5.3)."""

from harness import PING

from .case import BYE, ECHOED, Case, Demand, Pong, frame

ANSWER = Demand("RFC 6455 5.5.2", "MUST", "A ping is answered by a pong, unless a Close came before it.")
CASES = [Case("pings/empty", ANSWER, "pings", sends=[frame(PING), BYE], sees=(Pong(b""), ECHOED)),
 Case("pings/hello", ANSWER, "pings", sends=[frame(PING, b"hello"), BYE], sees=(Pong(b"hello"), ECHOED))]
UNTESTED = []
