"""What the peers take for the same rules; run by `rules.py` with an interpreter that has them.

    python benchmarks/rules_peers.py RULES.json

The file holds stored trees, records without their unknown values and our answers. Dates are whole
days for the peers. CEL's errors count as unknown: its AND and OR absorb them as SQL does NULL.
zen has no third value, so it is asked only whether each rule is surely true, with a guard at
every comparison; all 200 are in one decision, so that the record is handed over once.
Prints one JSON line a peer: its seconds a customer and the share of answers that agree.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

Node = dict[str, Any]
Ask = Callable[[dict[str, Any]], list[bool | None]]
EPOCH = date(1970, 1, 1)
OPPOSITES = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def written(node: Node) -> str:
    value = node["value"]
    if node["kind"] == "date":
        return str((date.fromisoformat(value) - EPOCH).days)
    return json.dumps(value)


def compared(node: Node) -> tuple[str, list[tuple[str, str]], str]:
    """Give the field's name, then operator and constant of each comparison, and how they join."""
    kind = node["node"]
    if kind == "compare":
        return node["left"]["name"], [(node["operator"], written(node["right"]))], "and"
    if kind == "between":
        bounds = [(">=", written(node["low"])), ("<=", written(node["high"]))]
        return node["operand"]["name"], bounds, "and"
    return node["operand"]["name"], [("=", written(each)) for each in node["options"]], "or"


def in_cel(node: Node) -> str:
    kind = node["node"]
    if kind in ("and", "or"):
        return "(" + {"and": " && ", "or": " || "}[kind].join(map(in_cel, node["parts"])) + ")"
    if kind == "not":
        return f"!({in_cel(node['part'])})"
    if kind == "field":
        return f"c.{node['name']}"
    if kind == "is_null":
        return f"!has(c.{node['field']['name']})"
    if kind == "in":
        options = ", ".join(written(each) for each in node["options"])
        return f"c.{node['operand']['name']} in [{options}]"
    name, tests, _ = compared(node)
    words = {"=": "==", "<>": "!="}
    return " && ".join(f"c.{name} {words.get(o, o)} {value}" for o, value in tests)


def in_zen(node: Node, turned: bool = False) -> str:
    """Write "surely true" (turned: "surely false")."""
    kind = node["node"]
    if kind in ("and", "or"):
        word = " and " if (kind == "and") is not turned else " or "
        return "(" + word.join(in_zen(part, turned) for part in node["parts"]) + ")"
    if kind == "not":
        return in_zen(node["part"], not turned)
    if kind == "field":
        return f"{node['name']} == {'false' if turned else 'true'}"
    if kind == "is_null":
        return f"{node['field']['name']} {'!=' if turned else '=='} null"
    words = {"=": "==", "<>": "!="}
    name, tests, joined = compared(node)
    if kind == "in":
        values = ", ".join(value for _, value in tests)
        return f"({name} != null and {name} {'not in' if turned else 'in'} [{values}])"
    if turned:
        tests, joined = [(OPPOSITES[o], value) for o, value in tests], "or"
    asked = f" {joined} ".join(f"{name} {words.get(o, o)} {value}" for o, value in tests)
    return f"({name} != null and ({asked}))"


def timed(peer: str, ask: Ask, content: Node, expected: Callable[[Any], bool | None]) -> None:
    answers = [ask(each) for each in content["records"]]
    began = time.process_time()
    for each in content["records"]:
        ask(each)
    taken = (time.process_time() - began) / len(content["records"])
    pairs = [
        (one, other)
        for theirs, ours in zip(answers, content["answers"], strict=True)
        for one, other in zip(theirs, ours, strict=True)
    ]
    agree = sum(one is expected(other) for one, other in pairs) / len(pairs)
    print(json.dumps({"peer": peer, "version": version(peer), "seconds": taken, "agree": agree}))


def cel(content: Node) -> None:
    import celpy

    environment = celpy.Environment()
    programs = [environment.program(environment.compile(in_cel(rule))) for rule in content["rules"]]

    def answer(program: Any, known: Any) -> bool | None:
        try:
            return bool(program.evaluate(known))
        except celpy.CELEvalError:
            return None

    def ask(record: dict[str, Any]) -> list[bool | None]:
        known = {"c": celpy.json_to_cel(record)}
        return [answer(program, known) for program in programs]

    timed("cel-python", ask, content, lambda ours: ours)


def zen_engine(content: Node) -> None:
    import zen

    names = {f"r{at}": in_zen(rule) for at, rule in enumerate(content["rules"])}
    expressions = [{"id": key, "key": key, "value": text} for key, text in names.items()]
    graph = {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "content": {}},
            {
                "id": "rules",
                "type": "expressionNode",
                "name": "rules",
                "content": {"expressions": expressions},
            },
            {"id": "out", "type": "outputNode", "name": "out", "content": {}},
        ],
        "edges": [
            {"id": "1", "sourceId": "in", "targetId": "rules", "type": "edge"},
            {"id": "2", "sourceId": "rules", "targetId": "out", "type": "edge"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(graph))

    def ask(record: dict[str, Any]) -> list[bool | None]:
        found = decision.evaluate(record)["result"]
        return [found[key] for key in names]

    timed("zen-engine", ask, content, lambda ours: ours is True)


def main(path: str) -> None:
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    for name, peer in (("cel-python", cel), ("zen-engine", zen_engine)):
        try:
            peer(content)
        except ModuleNotFoundError as error:
            print(json.dumps({"peer": name, "skipped": f"{error.name} is not installed"}))


if __name__ == "__main__":
    main(sys.argv[1])
