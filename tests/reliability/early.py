"""An origin that answers before it has read the body, and closes: the client must hear it while it still sends.

Over HTTP/1 both ends are plain sockets here, and the client writes without looking for an answer, as many do: its body has
to be taken from it to the end, or be cut off, or it would never look. Time itself is measured.
"""
import socket, ssl, threading, time

PIECE = b"nothing to see " * 1066 + b"1234567890"
LENGTH = 750 * len(PIECE)
ANSWER = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"


def origin(pair):
    """The port of one that reads the head alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(conn):
        try:
            with context.wrap_socket(conn, server_side=True) as tls:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += tls.recv(4096)
                tls.sendall(ANSWER)
                # What is measured is how the gate takes an answer that comes between two pieces of the body.
                time.sleep(0.05)
        except OSError:
            pass

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def upload(sock, context, port, most):
    """Whether the client heard the answer before a read or a write had waited for `most` seconds."""
    sock.settimeout(most)
    began, heard = time.monotonic(), b""
    with context.wrap_socket(sock, server_hostname="localhost") as tls:
        try:
            tls.sendall(f"POST /u HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: text/plain\r\nContent-Length: {LENGTH}\r\n\r\n".encode())
            for _ in range(LENGTH // len(PIECE)):
                tls.sendall(PIECE)
        except TimeoutError:
            return False, time.monotonic() - began
        except OSError:
            pass
        try:
            while len(heard) < 12 and (more := tls.recv(4096)):
                heard += more
        except OSError:
            pass
    return heard.startswith(b"HTTP/1.1 413"), time.monotonic() - began


def measure(base, certificates, tools, short):
    """`tools`: Gate, connect, fetch, figure."""
    gate, port = tools.Gate(base, certificates.ca).start(), origin(certificates.leaf("early"))
    context = ssl.create_default_context(cafile=gate.issuer)
    tries, most = (20 if short else 60), 5
    outcomes = []
    for _ in range(tries):
        outcomes.append(upload(tools.connect(gate, f"localhost:{port}"), context, port, most))
        # One that stood still is enough to know.
        if not outcomes[-1][0]:
            break
    heard, longest = sum(ok for ok, _ in outcomes), max(took for _, took in outcomes)
    tools.figure(f"{tries} uploads over HTTP/1 that are answered before they are read: answers heard", heard, f"after at most {longest:.2f} s", heard == tries and longest < most, f"{tries}, below {most} s")
    took, status = tools.fetch(gate, tools.plain)
    tools.figure("a fresh client after them", f"{status} after {took * 1000:.0f}", "ms", status == 200, "200")
    gate.stop()
