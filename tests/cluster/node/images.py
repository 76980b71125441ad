#!/usr/bin/env python3
"""Writes container images from programs that are built already: OCI archives, without docker and without a registry.

    images.py [--list] [NAME…]        into target/images/NAME.tar

Each is tagged as the charts and the operators name it, so that nothing in a manifest is changed for a test. An image holds
its program, for a dynamic one the libraries that it asks for, and nothing else: no shell, no package.
What is there already stays while its files are the same.
"""

import argparse
import dataclasses
import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
BIN = ROOT / "target" / "tools" / "bin"
IMAGES = ROOT / "target" / "images"
# Ours, as the tests run it; with THANOS_STATIC=1 the static one, which costs a build of its own (run.sh).
STATIC = ROOT / "target" / "static" / "x86_64-unknown-linux-gnu" / "debug"
OURS = STATIC if os.environ.get("THANOS_STATIC") else ROOT / "target" / "debug"
AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/home:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home:/sbin/nologin\n"
VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


@dataclasses.dataclass(frozen=True)
class Image:
    """One line of the table below."""

    name: str
    reference: str  # what a pod asks for
    files: tuple[tuple[pathlib.Path, str], ...]  # from here, to there; the first one is what runs
    user: str = "65532"
    folders: tuple[tuple[str, str], ...] = ()  # folders that its user may write, and whose they are
    aliases: tuple[str, ...] = ()  # other names for it

    @property
    def archive(self):
        return IMAGES / f"{self.name}.tar"

    @property
    def stamp(self):
        """What must not have changed for the archive to be current."""
        sources = [source.resolve() for source, _ in self.files] + [pathlib.Path(__file__)]
        return "".join(f"{source} {source.stat().st_size} {source.stat().st_mtime_ns}\n" for source in sources)

    def current(self):
        recorded = self.archive.with_suffix(".stamp")
        return self.archive.exists() and recorded.exists() and recorded.read_text() == self.stamp


def program(name, target, folder=BIN):
    return ((folder / name), target)


PAUSE = IMAGES / "pause"
TABLE = [
    Image("pause", "localhost/pause:1", ((PAUSE, "/pause"),), user="65535"),
    Image("coredns", "localhost/coredns:1", (program("coredns", "/coredns"),)),
    Image(
        "thanos-webhook", f"kubectl-thanos.dev/thanos-webhook:{VERSION}",
        (program("thanos-webhook", "/thanos-webhook", OURS),),
        # The next release, for an upgrade that changes nothing but the tag.
        aliases=("kubectl-thanos.dev/thanos-webhook:next",),
    ),
    Image(
        "prometheus-operator", "quay.io/prometheus-operator/prometheus-operator:v0.92.1",
        (program("operator", "/bin/operator"),), user="65534",
    ),
    Image(
        "prometheus-config-reloader", "quay.io/prometheus-operator/prometheus-config-reloader:v0.92.1",
        (program("prometheus-config-reloader", "/bin/prometheus-config-reloader"),), user="65534",
    ),
    Image(
        "prometheus", "quay.io/prometheus/prometheus:v3.16.0",
        (program("prometheus", "/bin/prometheus"), program("promtool", "/bin/promtool")),
        user="65534", folders=(("/prometheus", "65534"),),
    ),
    Image("thanos", "quay.io/thanos/thanos:v0.42.4", (program("thanos", "/bin/thanos"),), user="1001"),
    Image(
        "envoy-gateway", "docker.io/envoyproxy/gateway:v1.9.1",
        (program("envoy-gateway", "/usr/local/bin/envoy-gateway"),), folders=(("/var/lib/eg", "65532"),),
    ),
    # The tag and the digest that Envoy Gateway 1.9.1 asks for; the program is the wheel's.
    Image(
        "envoy", "docker.io/envoyproxy/envoy:distroless-v1.39.1", (program("envoy", "/usr/local/bin/envoy"),),
        aliases=("docker.io/envoyproxy/envoy@sha256:eb2c01c13125d1629637cb4e4cce7207009fb7cc2c8027f9742758549d15b6f4",),
    ),
]


class Stop(Exception):
    """One sentence for the person who typed the command."""


def libraries(path):
    """What the loader would load for a program, as (file, where it looks for it); nothing for a static one."""
    headers = subprocess.run(["readelf", "-l", path], capture_output=True, text=True, check=True).stdout
    if "INTERP" not in headers:
        return []
    found = []
    for line in subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout.splitlines():
        words = line.split()
        if "not found" in line:
            raise Stop(f"{path} needs {words[0]}, which this machine has not")
        place = words[2] if "=>" in words else words[0]
        if place.startswith("/"):
            found.append((pathlib.Path(place).resolve(), place))
    return found


def entry(name, mode, kind=tarfile.REGTYPE, size=0, owner="0"):
    info = tarfile.TarInfo(name.strip("/"))
    info.type, info.mode, info.size, info.mtime = kind, mode, size, 0
    info.uid = info.gid = int(owner)
    return info


def layer(image, target):
    """The one layer, uncompressed: it never travels."""
    seen = set()
    with tarfile.open(target, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def folder(path, mode=0o755, owner="0"):
            for parent in reversed(pathlib.PurePosixPath(path).parents[:-1] if path != "/" else []):
                if parent not in seen:
                    seen.add(parent)
                    archive.addfile(entry(str(parent), 0o755, tarfile.DIRTYPE))
            if pathlib.PurePosixPath(path) not in seen:
                seen.add(pathlib.PurePosixPath(path))
                archive.addfile(entry(path, mode, tarfile.DIRTYPE, owner=owner))

        def text(path, content):
            folder(str(pathlib.PurePosixPath(path).parent))
            archive.addfile(entry(path, 0o644, size=len(content)), io.BytesIO(content))

        folder("/tmp", 0o1777)
        for path, owner in image.folders:
            folder(path, owner=owner)
        text("/etc/passwd", PASSWD.encode())
        text("/etc/nsswitch.conf", b"hosts: files dns\n")
        if AUTHORITIES.exists():
            text(str(AUTHORITIES), AUTHORITIES.read_bytes())
        files = [(source.resolve(), place) for source, place in image.files]
        for source, place in [*files, *(library for source, _ in files for library in libraries(source))]:
            if place in seen:
                continue
            seen.add(place)
            folder(str(pathlib.PurePosixPath(place).parent))
            with open(source, "rb") as content:
                archive.addfile(entry(place, 0o755, size=source.stat().st_size), content)


def digest_of(path):
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write(image):
    stamp, scratch = image.stamp, image.archive.with_suffix(".layer")
    layer(image, scratch)
    whole = digest_of(scratch)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {
            "User": image.user, "WorkingDir": "/", "Entrypoint": [image.files[0][1]],
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/", f"SSL_CERT_FILE={AUTHORITIES}"],
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{whole}"]},
    }).encode()
    blob = lambda kind, content: {  # noqa: E731
        "mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content),
    }
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob("config.v1+json", config),
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": f"sha256:{whole}", "size": scratch.stat().st_size}],
    }).encode()
    names = (image.reference, *image.aliases)
    index = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            blob("manifest.v1+json", manifest)
            | {"platform": {"architecture": "amd64", "os": "linux"}, "annotations": {
                "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}}
            for name in names
        ],
    }).encode()
    new = image.archive.with_suffix(".new")
    with tarfile.open(new, "w") as archive:
        for name, content in [
            ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index),
            *((f"blobs/sha256/{hashlib.sha256(content).hexdigest()}", content) for content in (config, manifest)),
        ]:
            archive.addfile(entry(name, 0o644, size=len(content)), io.BytesIO(content))
        with open(scratch, "rb") as content:
            archive.addfile(entry(f"blobs/sha256/{whole}", 0o644, size=scratch.stat().st_size), content)
    scratch.unlink()
    new.replace(image.archive)
    image.archive.with_suffix(".stamp").write_text(stamp)


def pause():
    """The process that holds a pod's namespaces, and the only C here."""
    source = HERE / "pause.c"
    if not PAUSE.exists() or PAUSE.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-Os", "-static", "-s", "-o", PAUSE, source], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these images (see --list)")
    parser.add_argument("--list", action="store_true", help="say what there is, and write nothing")
    arguments = parser.parse_args()
    known = {image.name for image in TABLE}
    for name in arguments.names:
        if name not in known:
            raise Stop(f"no image is called {name}; there are: {', '.join(sorted(known))}")
    chosen = [image for image in TABLE if image.name in arguments.names or not arguments.names]
    if arguments.list:
        for image in chosen:
            print(f"{image.name:28} {image.reference}")
        return
    IMAGES.mkdir(parents=True, exist_ok=True)
    pause()
    for image in chosen:
        for source, _ in image.files:
            if not source.exists():
                raise Stop(f"{os.path.relpath(source, ROOT)} is not built yet, and the image {image.name} holds it: run `make e2e`")
        if not image.current():
            write(image)
            print(f"images: {image.reference}, {image.archive.stat().st_size / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Stop as stop:
        sys.exit(f"images: {stop}")
