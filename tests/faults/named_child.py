"""The `optimizer` command where the file `$NAMES` has the addresses of `fems.test`.

`[["127.0.0.1", 8084]]` is a list of addresses; a number is a name server that is silent for so long
[s].
"""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

_real = socket.getaddrinfo


def _look_up(host: Any, port: Any, *args: Any, **more: Any) -> Any:
    if host != "fems.test":
        return _real(host, port, *args, **more)
    found = json.loads(Path(os.environ["NAMES"]).read_text())
    if isinstance(found, int):
        time.sleep(found)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, at)) for name, at in found]


if __name__ == "__main__":
    socket.getaddrinfo = _look_up  # type: ignore[assignment]
    from optimizer.cli import main

    main()
