"""A gRPC server or client of the reference implementation, without a schema: messages are bytes.

    rpc.py serve CERTIFICATE KEY          # prints its port, runs until standard input ends
    rpc.py call HOST PORT PROXY ROOTS     # prints what came of each kind of call, as JSON
"""
import json, sys, threading
import grpc

CARD = b"card 4539 1488 0343 6467"


class Service(grpc.GenericRpcHandler):
    def service(self, call):
        kinds = {
            "/lab.Notes/Echo": grpc.unary_unary_rpc_method_handler(lambda m, c: m),
            "/lab.Notes/Fail": grpc.unary_unary_rpc_method_handler(lambda m, c: c.abort(grpc.StatusCode.NOT_FOUND, "no such note")),
            "/lab.Notes/Leak": grpc.unary_unary_rpc_method_handler(lambda m, c: CARD),
            "/lab.Notes/List": grpc.unary_stream_rpc_method_handler(lambda m, c: (m + b" %d" % n for n in range(50))),
            "/lab.Notes/Count": grpc.stream_unary_rpc_method_handler(lambda ms, c: b"%d" % sum(1 for _ in ms)),
            "/lab.Notes/Talk": grpc.stream_stream_rpc_method_handler(lambda ms, c: (b"you said " + m for m in ms)),
        }
        return kinds.get(call.method)


def serve(certificate, key):
    from concurrent import futures
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Service(),))
    pair = [(open(key, "rb").read(), open(certificate, "rb").read())]
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(pair))
    server.start()
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.read()
    server.stop(0)


def call(host, port, proxy, roots):
    credentials = grpc.ssl_channel_credentials(open(roots, "rb").read())
    options = [("grpc.http_proxy", proxy), ("grpc.enable_http_proxy", 1)]
    channel = grpc.secure_channel(f"{host}:{port}", credentials, options)

    def attempt(what):
        try:
            return ["OK", what()]
        except grpc.RpcError as error:
            return [error.code().name, error.details()]

    def text(message):
        return message.decode() if len(message) < 100 else len(message)

    def talk():
        # Each message is said when the one before was answered: nothing is held back.
        answered, said = threading.Semaphore(1), []

        def messages():
            for n in range(5):
                answered.acquire()
                yield b"message %d" % n

        for answer in channel.stream_stream("/lab.Notes/Talk")(messages(), timeout=20):
            said.append(answer.decode())
            answered.release()
        return said

    unary = lambda method, message, **more: text(channel.unary_unary(f"/lab.Notes/{method}")(message, timeout=20, **more))
    out = {
        "unary": attempt(lambda: unary("Echo", b"two boxes")),
        "large": attempt(lambda: unary("Echo", b"clean words " * 50_000)),
        "gzip": attempt(lambda: unary("Echo", b"clean words " * 1000, compression=grpc.Compression.Gzip)),
        "status": attempt(lambda: unary("Fail", b"x")),
        "server stream": attempt(lambda: len(list(channel.unary_stream("/lab.Notes/List")(b"note", timeout=20)))),
        "client stream": attempt(lambda: text(channel.stream_unary("/lab.Notes/Count")(iter([b"m"] * 40), timeout=20))),
        "both": attempt(talk),
        "card": attempt(lambda: unary("Echo", CARD)),
        "gzip card": attempt(lambda: unary("Echo", CARD + b" and words" * 100, compression=grpc.Compression.Gzip)),
        "card in a stream": attempt(lambda: text(channel.stream_unary("/lab.Notes/Count")(iter([b"m", CARD, b"m"]), timeout=20))),
        "leak": attempt(lambda: unary("Leak", b"x")),
        "after": attempt(lambda: unary("Echo", b"still here")),
    }
    print(json.dumps(out))


globals()[sys.argv[1]](*sys.argv[2:])
