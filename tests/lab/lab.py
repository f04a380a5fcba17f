"""A lab on loopback for tests that need programs nobody here wrote: certificates, an origin, a gate, its records.

Only Python's standard library and the `openssl` command are used. Ports are picked by the kernel; nothing sleeps for
luck: waits end on an event or with an error.
"""
import atexit, http.server, json, os, pathlib, signal, socket, socketserver, ssl, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TIDEGATE", str(ROOT / "target/release/tidegate"))
HOSTS = ["localhost", "crm.example.test", "api.stripe.com"]


def with_packages(name, *packages):
    """Runs the script once more with these packages of Python, which are installed under `target/` on first use."""
    home = ROOT / "target" / name / "venv"
    if pathlib.Path(sys.prefix).resolve() == home.resolve():
        return
    ready = home / "ready"
    if not ready.exists() or ready.read_text() != " ".join(packages):
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True)
        ready.write_text(" ".join(packages))
    os.execv(home / "bin/python", [str(home / "bin/python"), *sys.argv])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sequence(record):
    """The sequence of a record's line, which begins with it."""
    assert record.startswith('{"seq":'), record[:40]
    return int(record[7:record.index(",")])


def openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {args[0]}: {done.stderr}")


class Certificates:
    """A CA of the origins' side and a certificate for `HOSTS`, or one that is wrong in a given way."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.ca = self.dir / "origin-ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=lab origin CA", "-keyout", self.dir / "origin-ca.key", "-out", self.ca,
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def leaf(self, name, hosts=HOSTS, days="2", names=None, usage="serverAuth"):
        """A certificate for these hosts, or for names of any kind."""
        key, csr, ext, out = (self.dir / f"{name}.{e}" for e in ("key", "csr", "ext", "pem"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=lab", "-keyout", key, "-out", csr)
        names = names or [f"DNS:{h}" for h in hosts]
        ext.write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage={usage}\n")
        openssl("x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.dir / "origin-ca.key", "-CAcreateserial",
                "-days", days, "-extfile", ext, "-out", out)
        return out, key


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            out = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                out += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return out
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self):
        body = self.body()
        self.server.seen.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        reply = json.dumps({"received": len(body), "ok": True}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST = do_PUT = answer


class Origin(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """An HTTPS origin that keeps every request it got."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, certificate, key):
        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.context, self.seen, self.port = context, [], self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        # Head and body are written apart: without this each answer would wait for the delayed acknowledgement of its head.
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with self.context.wrap_socket(request, server_side=True) as tls:
                super().finish_request(tls, client_address)
        except OSError:
            pass

    def handle_error(self, request, client_address):
        pass


class Gate:
    """`tidegate run` on a configuration of its own."""

    def __init__(self, folder, ca, extra=""):
        self.dir, self.port, self.admin = pathlib.Path(folder), free_port(), free_port()
        self.issuer, self.audit = self.dir / "certs/issuer.pem", self.dir / "audit"
        resolve = ", ".join(f'"{h}" = ["127.0.0.1"]' for h in HOSTS)
        self.config = self.dir / "tidegate.toml"
        self.config.write_text(f"""node = "lab"
[[listener]]
name = "apps"
address = "127.0.0.1:{self.port}"
[admin]
address = "127.0.0.1:{self.admin}"
[upstream]
roots = ["{ca}"]
allow_addresses = ["127.0.0.0/8"]
resolve = {{ {resolve} }}
{extra}""")
        self.proxy = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        self.log = open(self.dir / "gate.log", "a")
        self.process = subprocess.Popen([BINARY, "run", "--config", self.config], stdout=self.log, stderr=self.log)
        # A test that fails leaves none running.
        atexit.register(self.process.kill)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the gate ended: {(self.dir / 'gate.log').read_text()[-2000:]}")
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        raise RuntimeError("the gate does not listen")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        if code:
            raise RuntimeError(f"the gate ended with {code}: {(self.dir / 'gate.log').read_text()[-2000:]}")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def records(self):
        """All records, those of packed segments too."""
        done = subprocess.run([BINARY, "audit", "query", self.audit], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"audit query: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sequences(self):
        """The sequence of each record, in order; for trails that are too long to be held."""
        query = subprocess.Popen([BINARY, "audit", "query", self.audit], stdout=subprocess.PIPE, text=True)
        with query.stdout as lines:
            out = [sequence(line) for line in lines]
        if query.wait():
            raise RuntimeError("audit query failed")
        return out

    def last(self):
        """Sequence of the last record."""
        newest = max(self.audit.glob("segment-*.jsonl"))
        return json.loads(newest.read_text().splitlines()[-1])["seq"]

    def verify(self):
        done = subprocess.run([BINARY, "audit", "verify", self.audit], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def folder():
    return tempfile.TemporaryDirectory(prefix="tidegate-lab-")
