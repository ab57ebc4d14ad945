"""What the benchmarks on real nodes share: a cluster that `tests/cluster/up` started, with the program under `deploy/`."""

import json
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def machine():
    """What the figures were measured on, printed as well."""
    facts = {"processors": os.cpu_count(), "machine": platform.machine(), "kernel": platform.release(), "load": os.getloadavg()[0]}
    print(f"{facts['processors']} processors, {facts['machine']}, Linux {facts['kernel']}, load {facts['load']:.1f} at the end")
    return facts


class Kubectl:
    def __init__(self, kubeconfig):
        self.command = [str(pathlib.Path(kubeconfig).parent / "kubectl"), "--kubeconfig", kubeconfig]

    def run(self, *arguments, text=None, check=True):
        return subprocess.run([*self.command, *arguments], input=text, capture_output=True, text=True, check=check).stdout

    def get(self, kind, name, namespace):
        return json.loads(self.run("-n", namespace, "get", kind, *([name] if name else []), "-o", "json"))

    def is_ready(self, cluster, namespace):
        conditions = self.get("sgcluster", cluster, namespace).get("status", {}).get("conditions", [])
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def install(self):
        for _ in range(20):
            found = subprocess.run([*self.command, "apply", "--server-side", "--force-conflicts", "-k", str(ROOT / "deploy")], capture_output=True, text=True)
            if found.returncode == 0:
                break
            time.sleep(0.5)
        else:
            sys.exit(found.stderr)
        self.run("-n", "stackgres", "rollout", "status", "deployment/stackgres", "--timeout=120s")

    def remove(self, namespace):
        self.run("-n", namespace, "annotate", "sgcluster", "--all", "stackgres.io/deletion-protection=false", check=False)
        self.run("-n", namespace, "delete", "sgcluster", "--all", "--timeout=30s", check=False)
        for _ in range(20):
            if subprocess.run([*self.command, "delete", "namespace", namespace, "--timeout=120s"], capture_output=True).returncode == 0:
                return
            time.sleep(0.5)
