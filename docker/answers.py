"""Ends well when an address answers with 200: the health check of containers, whose images bring no curl."""  # noqa: INP001

import sys
from urllib.request import ProxyHandler, build_opener

LONGEST_WAIT_SECONDS = 4

directly = build_opener(ProxyHandler({}))
try:
    directly.open(sys.argv[1], timeout=LONGEST_WAIT_SECONDS).close()
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
