#!/usr/bin/env python3
"""A line service of the kind that wsluice is put before: it knows TCP and lines, nothing of the Web. It says the time
every two seconds, and repeats what it is told.

    python3 examples/time_service.py 7000 &
    wsluice --frames lines 6080 localhost:7000

A client of ws://localhost:6080/ then gets each line as a text message, and what it sends becomes a line. `nc localhost
7000` shows what the service itself does.
"""

import asyncio
import contextlib
import datetime
import sys

EVERY_SECONDS = 2
LONGEST_LINE = 1 << 20  # bytes; who says a longer one is cut off


async def say_the_time(writer):
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        writer.write(datetime.datetime.now().isoformat().encode() + b"\n")
        await writer.drain()


async def repeat_lines(reader, writer):
    async for line in reader:
        writer.write(line)
        await writer.drain()


async def serve(reader, writer):
    writer.write("Time service ⏰\r\n".encode())
    clock = asyncio.create_task(say_the_time(writer))
    with contextlib.suppress(ConnectionError, ValueError):  # a client that has gone, a line that is too long
        await repeat_lines(reader, writer)
    clock.cancel()
    writer.close()


async def main(port):
    server = await asyncio.start_server(serve, "localhost", port, limit=LONGEST_LINE)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
