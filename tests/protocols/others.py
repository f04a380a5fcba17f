"""More peers for `tests/protocols/run`: git both ways, wget, aiohttp, Java's own client, openssl. Each is told by its name and
given what the script has: `check`, `skip`, `run`, a Python with packages."""
import json, os, pathlib, random, shutil, subprocess, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))
from lab import Handler, Origin

HOST = "crm.example.test"
PLAIN = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy") and not key.startswith("GIT_")}


class Repository(Handler):
    """git's own server (`git http-backend`), which speaks CGI."""

    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.body()
        env = {**PLAIN, "GIT_PROJECT_ROOT": str(self.server.repositories), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
               "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("content-type", ""), "CONTENT_LENGTH": str(len(body)),
               "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""), "HTTP_GIT_PROTOCOL": self.headers.get("git-protocol", ""),
               "REMOTE_USER": "lab", "REMOTE_ADDR": "127.0.0.1"}
        head, _, out = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True).stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        status = [value for name, value in fields if name == "Status"] or ["200 OK"]
        self.send_response(int(status[0][:3]))
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("content-length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    do_GET = do_POST = answer


def git(lab, t):
    """A clone, a fetch and a push over smart HTTP; both ends have the same objects afterwards."""
    if not t.apt("git", "git") or t.run("git", "http-backend", env={**PLAIN}).returncode not in (0, 1) or "not a git command" in t.run("git", "http-backend").stderr:
        return t.skip("git", "it has no http-backend")
    home = lab.dir / "git"
    there, here, back = home / "served/notes.git", home / "here", home / "back"
    there.parent.mkdir(parents=True)
    env = {**PLAIN, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    for key, value in (("http.proxy", lab.gate.proxy), ("http.sslCAInfo", str(lab.gate.issuer)), ("user.name", "lab"), ("user.email", "lab@example.test"),
                       ("init.defaultBranch", "main"), ("gc.auto", "0")):
        t.run("git", "config", "--global", key, value, env=env)
    server = Origin(*lab.pair)
    server.RequestHandlerClass, server.repositories = Repository, there.parent
    url, chance = f"https://{HOST}:{server.port}/notes.git", random.Random(3)

    def did(*command, cwd=None):
        done = t.run("git", *command, env=env, cwd=cwd)
        return done.stdout.strip() if done.returncode == 0 else f"failed: {done.stderr.strip()[-300:]}"

    def commit(where, files):
        for name, size in files:
            (where / name).write_bytes(chance.randbytes(size) if size > 10_000 else b"two boxes, no hurry\n" * (size // 20))
        did("add", ".", cwd=where)
        did("commit", "-qm", "notes", cwd=where)
        return did("rev-parse", "HEAD", cwd=where)

    did("init", "-q", "--bare", there)
    did("config", "http.receivepack", "true", cwd=there)
    did("init", "-q", here)
    first = commit(here, [(f"note-{n}", 400 + n) for n in range(300)] + [("picture", 3_000_000)])
    t.check("git: pushes through the gate", [did("push", "-q", url, "main", cwd=here), did("rev-parse", "main", cwd=there)], ["", first])
    t.check("git: clones through the gate, and all is whole", [did("clone", "-q", url, back), did("rev-parse", "HEAD", cwd=back), did("fsck", "--full", "--no-progress", cwd=back)],
            ["", first, ""])
    second = commit(here, [("note-1", 900), ("sound", 2_000_000)])
    did("push", "-q", url, "main", cwd=here)
    t.check("git: fetches what was pushed since", [did("pull", "-q", cwd=back), did("rev-parse", "HEAD", cwd=back)], ["", second])
    server.shutdown()


def wget(lab, t):
    if not t.apt("wget", "wget"):
        return
    ask = lambda body: t.run("wget", "-qO-", "--content-on-error", f"--ca-certificate={lab.gate.issuer}", "-e", "use_proxy=yes", "-e", f"https_proxy={lab.gate.proxy}",
                             "--header=content-type: application/json", f"--post-data={body}", f"https://{HOST}:{lab.tls}/a", env=PLAIN)
    clean, card = ask(t.CLEAN), ask(t.CARD)
    t.check("wget: clean, card", [json.loads(clean.stdout or "{}").get("body"), card.returncode, json.loads(card.stdout or "{}").get("identifiers")],
            [t.CLEAN, 8, ["payment.pan"]])


def aiohttp(lab, t):
    if not t.python_has("aiohttp", "aiohttp"):
        return
    code = """
import aiohttp, asyncio, json, ssl, sys
host, port, proxy, ca, clean, card = sys.argv[1:]
async def main():
    out, url = [], f"https://{host}:{port}/a"
    async def slowly():
        for piece in (card[:14], card[14:20], card[20:]):
            yield piece.encode()
            await asyncio.sleep(0.05)
    async with aiohttp.ClientSession() as session:
        for body in (clean, card, slowly(), clean):
            async with session.post(url, data=body, proxy=proxy, ssl=ssl.create_default_context(cafile=ca), headers={"content-type": "application/json"}) as r:
                out.append([r.status, (await r.json()).get("identifiers")])
        await session.close()
    print(json.dumps(out))
asyncio.run(main())
"""
    done = t.run(t.PYTHON, "-c", code, HOST, lab.tls, lab.gate.proxy, lab.gate.issuer, t.CLEAN, t.CARD, env=PLAIN)
    got = json.loads(done.stdout) if done.returncode == 0 else done.stderr[-400:]
    t.check("aiohttp: clean, card, card in pieces, and clean again", got, [[200, None], [403, ["payment.pan"]], [403, ["payment.pan"]], [200, None]])


JAVA = """
import java.net.*; import java.net.http.*; import java.nio.file.*; import java.security.*; import java.security.cert.*; import javax.net.ssl.*;
public class Ask {
    public static void main(String[] a) throws Exception {
        var trust = KeyStore.getInstance(KeyStore.getDefaultType());
        trust.load(null);
        try (var in = Files.newInputStream(Path.of(a[3]))) { trust.setCertificateEntry("gate", CertificateFactory.getInstance("X.509").generateCertificate(in)); }
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trust);
        var tls = SSLContext.getInstance("TLS");
        tls.init(null, managers.getTrustManagers(), null);
        var client = HttpClient.newBuilder().sslContext(tls).proxy(ProxySelector.of(new InetSocketAddress("127.0.0.1", Integer.parseInt(a[2])))).build();
        var out = new StringBuilder();
        for (int n = 4; n < a.length; n++) {
            var request = HttpRequest.newBuilder(URI.create("https://" + a[0] + ":" + a[1] + "/a")).header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(a[n])).build();
            var answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            out.append(answer.version()).append(' ').append(answer.statusCode()).append(' ').append(answer.body().contains("payment.pan")).append(';');
        }
        System.out.print(out);
    }
}
"""


def java(lab, t):
    """Java's own client, which speaks HTTP/2 where it may. It is not installed for this: it is large."""
    if not shutil.which("java") or not shutil.which("javac"):
        return t.skip("java", "no JDK is here")
    source = lab.dir / "Ask.java"
    source.write_text(JAVA)
    done = t.run("java", source, HOST, lab.tls, lab.gate.port, lab.gate.issuer, t.CLEAN, t.CARD, t.CLEAN, env=PLAIN)
    t.check("java's HttpClient over HTTP/2: clean, card, and clean again", done.stdout or done.stderr[-400:], "HTTP_2 200 false;HTTP_2 403 true;HTTP_2 200 false;")


def openssl(lab, t):
    """Sessions are resumed, and nothing is taken before the handshake is done: early data could be sent twice by others."""
    kept, early = lab.dir / "session", lab.dir / "early"
    early.write_text(f"GET /early HTTP/1.1\r\nHost: {HOST}:{lab.tls}\r\n\r\n")
    ask = lambda *more: t.run("openssl", "s_client", "-proxy", f"127.0.0.1:{lab.gate.port}", "-connect", f"{HOST}:{lab.tls}", "-servername", HOST, "-CAfile", lab.gate.issuer,
                              "-verify_return_error", "-tls1_3", "-ign_eof", "-alpn", "http/1.1", *more,
                              input=f"GET /count HTTP/1.1\r\nHost: {HOST}:{lab.tls}\r\nConnection: close\r\n\r\n", env=PLAIN).stdout
    first, again = ask("-sess_out", kept), ask("-sess_in", kept, "-early_data", early)
    t.check("openssl: verified, no early data is offered", ["Verification: OK" in first, "Max Early Data: 0" in first, " 200 OK" in first], [True] * 3)
    t.check("openssl: a session is resumed, and early data is not taken", ["Reused, TLSv1.3" in again, "Early data was not sent" in again or "Early data was rejected" in again, " 200 OK" in again],
            [True] * 3)


ALL = [git, wget, aiohttp, java, openssl]
