"""What is read out of strace's and perf's reports."""

import evidence

STRACE = """syscall                calls
---------------- -----------
epoll_wait              2008
recvfrom                1003
mmap                       7
---------------- -----------
total                   3018
"""

PERF = """
    26.91%  [k] _raw_spin_unlock_irqrestore                -      -
     5.90%  [.] unmask_halves                              -      -
     0.25%  [.] 0x0000000000022e6f                         -      -
"""


def test_calls_without_their_sum():
    assert evidence.calls_of(STRACE) == {"epoll_wait": 2008, "recvfrom": 1003, "mmap": 7}


def test_symbols_with_their_side():
    symbols = evidence.symbols_of(PERF)
    assert symbols[:2] == [(26.91, "_raw_spin_unlock_irqrestore", True), (5.9, "unmask_halves", False)]
    assert [evidence.is_named(name) for _, name, _ in symbols] == [True, True, False]
