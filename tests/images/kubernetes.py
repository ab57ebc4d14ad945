"""As much of the Kubernetes API as Patroni's own client uses: pods and endpoints of one namespace, with list, watch, and conflicts."""

import copy
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KINDS = {"pods": "Pod", "endpoints": "Endpoints"}


class Store:
    """Objects and what happened to them."""

    def __init__(self, objects):
        self.version, self.objects, self.events, self.changed = 1, {}, [], threading.Condition()
        for thing in objects:
            plural = {kind: plural for plural, kind in KINDS.items()}[thing["kind"]]
            self.put(plural, thing, "ADDED")

    def put(self, plural, thing, event):
        with self.changed:
            self.version += 1
            thing = copy.deepcopy(thing)
            thing.setdefault("metadata", {})["resourceVersion"] = str(self.version)
            self.objects[plural, thing["metadata"]["name"]] = thing
            self.events.append((self.version, plural, {"type": event, "object": thing}))
            self.changed.notify_all()
            return thing

    def get(self, plural, name):
        return self.objects.get((plural, name))


def merged(old, patch):
    """A merge patch; Patroni's lists are always whole."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def serve(objects, certificate, key, port=6443):
    """Starts the API; returns its store."""
    store = Store(objects)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self):
            try:
                super().handle()
            except OSError:
                pass  # the client went away, as a stopped one does

        def log_message(self, *_):
            pass

        def answer(self, code, body):
            data = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def refuse(self, code, reason):
            self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": reason})

        def target(self):
            """Plural and name of a path below the namespace, and the query."""
            url = urlsplit(self.path)
            parts = url.path.strip("/").split("/")
            known = parts[:3] == ["api", "v1", "namespaces"] and len(parts) >= 5 and parts[4] in KINDS
            return (parts[4], parts[5] if len(parts) > 5 else None, parse_qs(url.query)) if known else (None, None, {})

        def body(self):
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

        def do_GET(self):
            plural, name, query = self.target()
            if plural is None or (plural, name) == ("endpoints", "kubernetes"):
                return self.refuse(403, "Forbidden")
            if name:
                thing = store.get(plural, name)
                return self.answer(200, thing) if thing else self.refuse(404, "NotFound")
            wanted = dict(pair.split("=") for pair in query.get("labelSelector", [""])[0].split(",") if pair)

            def selected(thing):
                return all(thing["metadata"].get("labels", {}).get(key) == value for key, value in wanted.items())

            if query.get("watch"):
                return self.watch(plural, int(query["resourceVersion"][0]), selected)
            with store.changed:
                items = [thing for (kind, _), thing in store.objects.items() if kind == plural and selected(thing)]
                return self.answer(200, {"kind": f"{KINDS[plural]}List", "apiVersion": "v1", "metadata": {"resourceVersion": str(store.version)}, "items": items})

        def watch(self, plural, seen, selected):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while True:
                with store.changed:
                    store.changed.wait_for(lambda: store.version > seen, timeout=60)
                    news = [event for version, kind, event in store.events if version > seen and kind == plural and selected(event["object"])]
                    seen = store.version
                for event in news:
                    data = json.dumps(event).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

        def do_PATCH(self):
            plural, name, _ = self.target()
            patch = self.body()
            with store.changed:
                old = store.get(plural, name)
                if old is None:
                    return self.refuse(404, "NotFound")
                if patch.get("metadata", {}).get("resourceVersion", old["metadata"]["resourceVersion"]) != old["metadata"]["resourceVersion"]:
                    return self.refuse(409, "Conflict")
                return self.answer(200, store.put(plural, merged(old, patch), "MODIFIED"))

        def do_PUT(self):
            plural, name, _ = self.target()
            self.answer(200, store.put(plural, self.body(), "MODIFIED"))

        def do_POST(self):
            plural, _, _ = self.target()
            thing = self.body()
            if plural is None or store.get(plural, thing["metadata"]["name"]):
                return self.refuse(409, "AlreadyExists")
            return self.answer(201, store.put(plural, thing, "ADDED"))

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return store
