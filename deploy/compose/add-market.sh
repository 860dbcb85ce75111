#!/bin/sh
# The demo's universe: what the simulated market lists today, and the eight benchmarks are among it.
set -eu
python - > /tmp/universe.txt <<'PYTHON'
import json
import urllib.request

with urllib.request.urlopen("http://market-simulator:8000/_simulator/symbols", timeout=30) as answer:
    listed = json.load(answer)
print(*(item["symbol"] for item in listed if item["listed"]), sep="\n")
PYTHON
riskstream universe add --file /tmp/universe.txt
