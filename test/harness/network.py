"""A network of a test's own: loopback and nothing else, with settings that hold nowhere else.

    with PrivateNetwork() as network:          # raises Unavailable without root, or in a container without rights
        network.set("ipv4/ip_local_port_range", "40000 40009")

Everything that the calling thread starts meanwhile, sockets, threads and processes, lives in it.
"""

import ctypes
import fcntl
import os
import pathlib
import socket
import struct
import threading

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
SIOCSIFADDR = 0x8916
IFF_UP, IFF_LOOPBACK = 0x1, 0x8


class Unavailable(Exception):
    """This process may not make networks."""


class PrivateNetwork:
    def __init__(self):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._before = None

    def _call(self, function, *args):
        if function(*args) != 0:
            raise Unavailable(f"{function.__name__}: {os.strerror(ctypes.get_errno())}")

    def __enter__(self):
        # /proc/sys/net shows the network of the main thread.
        assert threading.current_thread() is threading.main_thread()
        self._before = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            self._call(self._libc.unshare, CLONE_NEWNET)
        except Unavailable:
            os.close(self._before)
            raise
        try:
            self._start_loopback()
        except OSError as error:
            self.__exit__()
            raise Unavailable(str(error)) from None
        return self

    def __exit__(self, *failure):
        self._call(self._libc.setns, self._before, CLONE_NEWNET)
        os.close(self._before)

    @staticmethod
    def _start_loopback():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_LOOPBACK))

    @staticmethod
    def add_address(host):
        """One more IPv4 address of this machine's, as if of a network: there is no other interface."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            address = struct.pack("!HH4s8x", 0, 0, socket.inet_aton(host))
            address = struct.pack("H", socket.AF_INET) + address[2:]
            fcntl.ioctl(any_socket, SIOCSIFADDR, struct.pack("16s16s8x", b"lo:1", address))

    @staticmethod
    def set(name, value):
        """A setting beneath net, such as ipv4/tcp_fastopen; Unavailable where /proc/sys is read-only."""
        try:
            (pathlib.Path("/proc/sys/net") / name).write_text(f"{value}\n")
        except OSError as error:
            raise Unavailable(str(error)) from None
