"""A machine to run toolchain/*.sh on: the scripts as they are, and stand-ins for Go and Pulumi.

A real build takes minutes; `make test` itself runs on what the scripts really make.
"""

import re
import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
VERSION = "3.259.0"
AWS = (CHECKOUT / "toolchain" / "aws" / "version").read_text().strip()
TOOLS = """
    awk cat chmod cp curl cut date dirname find flock grep gunzip gzip mkdir mktemp mv rm sed sh
    sha256sum shasum sleep sync tail tar tr uname
"""

PULUMI = "#!/bin/sh\necho v{version}\n"
# Notes each build; FAIL, SLOW, OLD, ALTERED and BROKEN are files that say how this one goes.
GO = """#!/bin/sh
out= last= ; for argument; do [ "$last" = -o ] && out=$argument; last=$argument; done
case "$*" in
    'list -m') [ ! -e "{here}/OLD" ] || {{ echo 'go.mod requires go >= 1.25' >&2; exit 1; }} ;;
    'list -m -f {{{{.Version}}}}'*) echo v{version} ;;
    'list -m -f {{{{.Dir}}}}'*) echo "{here}/module" ;;
    'env GOVERSION') echo go1.20 ;;
    list*) ;;
    'mod download'*)
        sum={hash}
        [ ! -e "{here}/ALTERED" ] || sum=h1:other
        printf '{{\\n\\t"Dir": "%s",\\n\\t"Sum": "%s"\\n}}\\n' "{here}/terraform" $sum ;;
    build*)
        [ ! -e "{here}/FAIL" ] || {{ echo 'proxy says: 403 Forbidden' >&2; exit 1; }}
        echo "${{last##*/}}" >>"{here}/builds"
        [ ! -e "{here}/SLOW" ] || sleep 2
        case $out in */) out=$out${{last##*/}} ;; esac
        printf '#!/bin/sh\\necho v{version}\\n' >"$out"
        [ ! -e "{here}/BROKEN" ] || echo 'echo no such type >&2; exit 1' >"$out"
        chmod 755 "$out" ;;
esac
"""


class Machine:
    """A machine with nothing but ordinary tools, a cache of its own and a copy of toolchain/."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.cache = root / "cache" / "strongroom" / "engine"
        self.toolchain = root / "clone" / "toolchain"
        self.bin.mkdir()
        shutil.copytree(CHECKOUT / "toolchain", self.toolchain)
        for tool in TOOLS.split():
            found = shutil.which(tool)
            if found:
                (self.bin / tool).symlink_to(found)

    def install(self, name: str, content: str) -> Path:
        path = self.bin / name
        path.write_text(content)
        path.chmod(0o755)
        return path

    def install_go(self) -> None:
        exec_file = self.root / "module" / "python" / "cmd" / "pulumi-language-python-exec"
        exec_file.parent.mkdir(parents=True)
        exec_file.write_text("#!/bin/sh\n")
        recipe = (self.toolchain / "aws" / "build.sh").read_text()
        (pinned,) = re.findall(r"^hash=(\S+)$", recipe, re.MULTILINE)
        self.install("go", GO.format(here=self.root, version=VERSION, hash=pinned))

    def builds(self) -> list[str]:
        noted = self.root / "builds"
        return sorted(noted.read_text().splitlines()) if noted.exists() else []

    def start(self, script: str = "engine.sh", **variables: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": str(self.bin),
            "HOME": str(self.root / "user"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "TMPDIR": str(self.root),
            "STRONGROOM_PULUMI_RELEASES": "none",
            "STRONGROOM_PULUMI_PLUGINS": "none",
            **variables,
        }
        return subprocess.Popen(
            [self.toolchain / script],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str = "engine.sh", **variables: str) -> tuple[int, str, str]:
        process = self.start(script, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out.strip(), err
