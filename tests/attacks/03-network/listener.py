#!/usr/bin/env python3
"""listener.py FILE: the canary: listens on 127.0.0.1, prints the port, and sends FILE to whoever connects."""

import socket
import sys

with open(sys.argv[1], "rb") as file:
    word = file.read()
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.sendall(word)
