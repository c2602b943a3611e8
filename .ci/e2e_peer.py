"""Peers of delivery streams: an HTTP server that answers as each check says, and PostgreSQL."""

import contextlib
import dataclasses
import glob
import gzip
import http.server
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import urllib.parse

from e2e_world import end_with_parent, free_ports, wait_for


@dataclasses.dataclass
class Request:
    """A request, its body decoded."""

    path: str
    query: dict
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Peer:
    """An HTTP server on a free port. A handler gets a request and returns status and JSON; if it raises: 500."""

    def __init__(self):
        self.handlers, self.problems = {}, []
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                peer.answer(self)

            def do_POST(self):
                peer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @contextlib.contextmanager
    def serving(self, folder, handler):
        """Answers requests below a folder; in the end, what the handler raised is raised here."""
        self.handlers[folder], self.problems = handler, []
        try:
            yield f"{self.url}/{folder}"
        finally:
            del self.handlers[folder]
            if self.problems:
                raise self.problems[0]

    def answer(self, exchange):
        try:
            url = urllib.parse.urlsplit(exchange.path)
            headers = {name.lower(): value for name, value in exchange.headers.items()}
            request = Request(url.path, urllib.parse.parse_qs(url.query), headers, read_body(exchange, headers))
            handler = self.handlers.get(url.path.split("/")[1])
            status, answer = handler(request) if handler else (404, {})
        except Exception as problem:
            self.problems.append(problem)
            status, answer = 500, {"errorMessage": repr(problem)}
        body = json.dumps(answer).encode()
        exchange.send_response(status)
        exchange.send_header("Content-Type", "application/json")
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        exchange.wfile.write(body)


def read_body(exchange, headers):
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(exchange.rfile.readline(), 16):
            body += exchange.rfile.read(size)
            assert exchange.rfile.readline() == b"\r\n"
        assert exchange.rfile.readline() == b"\r\n"
    else:
        body = exchange.rfile.read(int(headers.get("content-length", 0)))
    return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body


class PostgreSql:
    """A PostgreSQL server in a directory of its own; `programs` is empty where none is installed."""

    USER, PASSWORD = "loader", "not-so-secret"
    programs = (sorted(glob.glob("/usr/lib/postgresql/*/bin")) or [""])[-1]

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="headwater-postgresql-")
        [self.port] = free_ports(1)
        # The server refuses to run as root.
        self.account = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        password = f"{self.dir}/password"
        with open(password, "w") as file:
            file.write(self.PASSWORD)
        if self.account:
            for path in [self.dir, password]:
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        settings = ["-U", self.USER, "--pwfile", password, "-A", "scram-sha-256"]
        settings += ["-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [f"{self.programs}/initdb", "-D", f"{self.dir}/data", *settings],
            preexec_fn=self.before, check=True, capture_output=True, cwd="/",
        )
        command = [f"{self.programs}/postgres", "-D", f"{self.dir}/data", "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=8MB"]
        log = open(f"{self.dir}/log", "ab")
        self.process = subprocess.Popen(command, preexec_fn=self.before, stdout=log, stderr=log, cwd="/")
        wait_for("PostgreSQL starts", lambda: self.run("SELECT 1", check=False).returncode == 0)
        return self

    def __exit__(self, *_):
        self.process.send_signal(3)  # it ends its children first
        self.process.wait()
        shutil.rmtree(self.dir)

    def before(self):
        if self.account:
            os.setgroups([])
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)
        # Last, as the kernel forgets it when the user changes.
        end_with_parent()

    def run(self, statement, check=True):
        url = f"postgresql://{self.USER}:{self.PASSWORD}@127.0.0.1:{self.port}/postgres"
        command = [f"{self.programs}/psql", "-X", "-q", "-At", "-d", url, "-c", statement]
        return subprocess.run(command, capture_output=True, text=True, check=check, timeout=60)

    def rows(self, query):
        return [line.split("|") for line in self.run(query).stdout.splitlines()]
