"""Apache Kafka's jars: fetched by Maven once per version of the pom, then kept in the cache."""

import hashlib
import os
import pwd
import re
import shutil
import subprocess
import threading
from pathlib import Path

from local_stack.errors import ServerFailed, ServerUnavailable
from local_stack.folders import PROJECT, cache, filled_once
from local_stack.process import run_tool

CONFIGURATION = PROJECT / "deploy" / "kafka"

_POM = CONFIGURATION / "pom.xml"
_OLDEST_JAVA = 17
_INSTALL = "Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk@17 maven"
_DOWNLOAD_TIMEOUT = 600.0


def kafka_jars(abandoned: threading.Event) -> Path:
    """The folder with the jars that the pom names.

    Raises ServerUnavailable if they are not in the cache and cannot be fetched: no Maven, or no way to a repository.
    """
    pom = _POM.read_bytes()
    jars = cache() / f"kafka-{hashlib.sha256(pom).hexdigest()[:16]}"
    with filled_once(jars) as filling:
        if filling is not None:
            _fetch(filling, abandoned)
    return jars


def java() -> Path:
    """The Java to run Kafka with: that of `JAVA_HOME`, or the one on the path.

    Raises ServerUnavailable if there is none or it is too old.
    """
    home = os.environ.get("JAVA_HOME", "")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if found is None or not Path(found).exists():
        raise ServerUnavailable(f"Kafka needs Java {_OLDEST_JAVA} or newer and there is none. {_INSTALL}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - the user's own Java
    version = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        shown = "of unknown version" if version is None else version[1]
        raise ServerUnavailable(f"Kafka needs Java {_OLDEST_JAVA} or newer; {found} is {shown}. {_INSTALL}")
    return Path(found)


def kafka_version() -> str:
    """The version of Kafka that the pom names."""
    named = re.search(r"<kafka.version>([^<]+)<", _POM.read_text())
    if named is None:
        raise ServerFailed(f"{_POM} names no <kafka.version>; put it back")
    return named[1]


def _fetch(jars: Path, abandoned: threading.Event) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise ServerUnavailable(f"Kafka's jars are fetched by Maven and there is no mvn. {_INSTALL}")
    log = jars.with_name("maven.log")
    command = [maven, "--quiet", "--batch-mode", f"--file={_POM}", *_local_repository(jars)]
    try:
        run_tool(
            [*command, "dependency:copy-dependencies", f"-DoutputDirectory={jars}"],
            log=log,
            abandoned=abandoned,
            timeout=_DOWNLOAD_TIMEOUT,
        )
    except ServerFailed as error:
        raise ServerUnavailable(f"Maven could not fetch Kafka's jars; is a repository within reach? {error}") from error


def _local_repository(jars: Path) -> list[str]:
    """Maven keeps its downloads in its usual place; a user without a home gets one that is thrown away afterwards."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if os.access(home, os.W_OK):
        return []
    return [f"-Dmaven.repo.local={jars.with_name('repository')}"]
