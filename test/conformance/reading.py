"""What a server says, taken apart as it comes: HTTP responses, and behind a 101 frames.

Whatever no server may send, to any request and in any state, is a fault here (RFC 6455 5.1, 5.2, 5.5; of responses:
responses.py), so that every case looks for it.
"""

import base64
import binascii
import struct

from harness import BINARY, CLOSE, PING, PONG, TEXT, Frame
from harness.client import Response

from .case import BASE64
from .responses import response_faults

SURPLUS_MAX = 10  # responses more than there should be; behind them the case is given up, before memory is


class Reading:
    """Feed it bytes; `responses`, `controls` (Frames), `messages` (payloads of data frames), `down` (of all of them)
    and `faults` grow. `down_as`: see Case."""

    def __init__(self, expected_http, down_as=BINARY):
        self.expected = expected_http
        self.encoded = down_as == BASE64
        self.data_opcode = TEXT if self.encoded else down_as
        self.responses, self.controls, self.faults = [], [], []
        self.down = bytearray()
        self.messages = []
        self.longest = 0  # payload of one data frame
        self.buffer = bytearray()

    @property
    def upgraded(self):
        return bool(self.responses) and self.responses[-1].status == 101

    @property
    def close(self):
        """The server's Close, or None."""
        return self.controls[-1] if self.controls and self.controls[-1].opcode == CLOSE else None

    def feed(self, data):
        self.buffer += data
        while self._take_frame() if self.upgraded else self._take_response():
            pass

    def finish(self):
        """The stream has ended: a response without a length ends with it, a frame must not."""
        if self.buffer and not self.upgraded:
            self._take_response(at_end=True)
        if self.buffer:
            self.faults.append(f"the stream ends inside of something: {bytes(self.buffer[:80])!r}")

    def _take_response(self, at_end=False):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end + 4])
        status_line, *lines = head[:-4].decode("latin-1").split("\r\n")
        parts = (status_line + "  ").split(" ", 2)
        status = int(parts[1]) if parts[1].isdigit() else 0
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        response = Response(status, parts[2].strip(), headers, head, b"")
        length = self._body_length(response, len(self.buffer) - len(head) if at_end else None)
        if length is None or len(self.buffer) < len(head) + length:
            return False
        response = response._replace(body=bytes(self.buffer[len(head):len(head) + length]))
        del self.buffer[:len(head) + length]
        self.faults += response_faults(response, self.responses, self._is_to_head())
        self.responses.append(response)
        assert len(self.responses) <= len(self.expected) + SURPLUS_MAX, "responses without end"
        return True

    def _is_to_head(self):
        number = len(self.responses)
        return number < len(self.expected) and self.expected[number].to_head

    def _body_length(self, response, rest):
        """None: up to the end of the stream, which has not come."""
        if self._is_to_head() or response.status in (204, 304) or response.status < 200:
            return 0
        length = response.header("Content-Length")
        return int(length) if length is not None else rest

    def _take_frame(self):
        buffer = self.buffer
        if len(buffer) < 2:
            return False
        opcode, length, start = buffer[0] & 0x0F, buffer[1] & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(buffer) < start:
                return False
            length = struct.unpack(">H" if start == 4 else ">Q", buffer[2:start])[0]
        if len(buffer) < start + length:
            return False
        self._check(buffer[0], buffer[1], opcode, length, start)
        payload = bytes(buffer[start:start + length])
        del buffer[:start + length]
        self._keep(Frame(opcode, payload, True))
        return True

    def _check(self, first, second, opcode, length, start):
        rules = [
            (first & 0x70, "5.2: a reserved bit is set"),
            (second & 0x80, "5.1: the server's frame is masked"),
            (start == 4 and length < 126 or start == 10 and length < 65536, "5.2: not the shortest length form"),
            (not first & 0x80, "5.4: a fragment (wsluice sends none)"),
            (opcode not in (self.data_opcode, CLOSE, PING, PONG), f"5.2: opcode {opcode:#x}"),
            (opcode >= CLOSE and length > 125, "5.5: a control frame of more than 125 bytes"),
            (self.close is not None, "5.5.1: a frame behind the Close"),
        ]
        self.faults += [f"{text} (frame {first:02x} {second:02x}, {length} bytes)" for broken, text in rules if broken]

    def _keep(self, frame):
        if frame.opcode >= CLOSE:
            self.controls.append(frame)
            return
        self.longest = max(self.longest, len(frame.payload))
        payload = self._read_text(frame.payload) if frame.opcode == TEXT else frame.payload
        self.messages.append(payload)
        self.down += payload

    def _read_text(self, payload):
        """A text message is UTF-8 all by itself, and in base64 all by itself, padding included."""
        try:
            payload.decode()
            return base64.b64decode(payload, validate=True) if self.encoded else payload
        except UnicodeDecodeError as error:
            self.faults.append(f"5.6: a text message that is not UTF-8: {error}")
        except binascii.Error as error:
            self.faults.append(f"a message that is not base64: {error} ({payload[:80]!r})")
        return payload
