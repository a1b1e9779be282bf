"""Counts of conlleval.pl over random tags, malformed ones among them: conlleval.json.

    python3 test/golden/make_conlleval.py path/to/conlleval.pl

The script is that of the CoNLL-2000 and 2003 shared tasks, version 2004-01-26; it is not in this repository.
"""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

TYPES = ["toloc.city-name", "fromloc", "date"]
PREFIXES = {
    "IOB": "BIO",  # Any sequence of them, so most are malformed.
    "IOE": "EIO",
    "brackets": "[]IO",
    "mixed": "BIOES[].",
    # Prefixes that the script does not know, which it takes for one more word of what is open.
    "BILOU": "BILOU",
    "others": ["B", "I", "O", "M", "U", "BB", "BO", "x", "."],
}
# How many tags are a prefix alone: bare labels.
BARE = {"others": 0.3}


def sequence(rng, prefixes, length, bare):
    def tag():
        prefix = rng.choice(prefixes)
        if prefix == "O" or rng.random() < bare:
            return prefix
        return f"{prefix}-{rng.choice(TYPES)}"

    return [tag() for _ in range(length)]


def predicted(rng, prefixes, wanted, bare):
    """What somebody might have guessed who is often right."""
    return [tag if rng.random() < 0.8 else sequence(rng, prefixes, 1, bare)[0] for tag in wanted]


def report(script, pairs):
    lines = ["\n".join(f"w {t} {p}" for t, p in zip(*pair)) + "\n\n" for pair in pairs]
    text = subprocess.run(["perl", script], input="".join(lines), capture_output=True, text=True, check=True).stdout
    head = re.search(r"processed (\d+) tokens with (\d+) phrases; found: (\d+) phrases; correct: (\d+)", text)
    tokens, wanted, found, right = map(int, head.groups())
    slots = re.findall(
        r"^ *(\S*): precision: +([\d.]+)%; recall: +([\d.]+)%; FB1: +([\d.]+) +(\d+)$", text, flags=re.MULTILINE
    )
    # A slot without a name is printed twice where both columns have it.
    slots = list(dict.fromkeys(slots))
    overall = re.search(r"accuracy: +([\d.]+)%; precision: +([\d.]+)%; recall: +([\d.]+)%; FB1: +([\d.]+)", text)
    return {
        "tokens": tokens,
        "wanted": wanted,
        "predicted": found,
        "right": right,
        # Accuracy, precision, recall and FB1, as printed.
        "percent": [float(value) for value in overall.groups()],
        "bySlot": [
            {"slot": slot, "percent": [float(p), float(r), float(f)], "predicted": int(n)} for slot, p, r, f, n in slots
        ],
    }


def main():
    script = sys.argv[1]
    rng = random.Random(20040126)
    cases = []
    for name, prefixes in PREFIXES.items():
        bare = BARE.get(name, 0.03)
        for _ in range(15):
            wanted = [sequence(rng, prefixes, rng.randint(1, 12), bare) for _ in range(rng.randint(1, 8))]
            pairs = [(tags, predicted(rng, prefixes, tags, bare)) for tags in wanted]
            cases.append(
                {
                    "name": name,
                    "wanted": [" ".join(t) for t, _ in pairs],
                    "predicted": [" ".join(p) for _, p in pairs],
                    "report": report(script, pairs),
                }
            )
    lines = ",\n".join(json.dumps(case) for case in cases)
    Path(__file__).with_name("conlleval.json").write_text(f"[\n{lines}\n]\n")


main()
