"""What a client, the service behind, and whoever started the program see: each scene takes a Run and returns
{what was looked at: what it was}, in words that hold for both programs. A scene decides nothing; rows.py says which
are played for which flags. A new one is a function in the file where it belongs.
"""

from .access import *
from .lives import *
from .sessions import *
from .ways import *
