"""python -m d2l_utils.frameworks table | measure FRAMEWORK | reproduce FRAMEWORK | seed SYSTEM | convert FROM TO

table: what sets the frameworks apart. measure: what this machine's version of one of them computes, as one line of JSON, with
the code of the chapter's tabs from the standard input. reproduce: what the code on the standard input leaves in `got`, with the
version. seed: how far a system of `seeds` is from the book's code. convert: see `d2l_utils.frameworks.convert`.
"""
import argparse
import json
import sys

from d2l_utils.frameworks import TABLE, conformance, convert, exhibits, seeds


def main():
    parser = argparse.ArgumentParser(prog="python -m d2l_utils.frameworks", description="The same cell in other frameworks")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("table", help="what sets the frameworks apart")
    measure = commands.add_parser("measure", help="run one of them beside the book's cell, and print what was found as JSON")
    measure.add_argument("framework", choices=TABLE)
    reproduce = commands.add_parser("reproduce", help="run a minimal reproduction of a fault, and print what came out as JSON")
    reproduce.add_argument("framework", choices=TABLE)
    seed = commands.add_parser("seed", help="run one of the systems that the book grew out of beside the book's code")
    seed.add_argument("system", choices=seeds.SEEDS)
    carry = commands.add_parser("convert", help="carry the weights of an LSTM from one framework's file to another's",
                                description=convert.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    carry.add_argument("source", metavar="FROM")
    carry.add_argument("target", metavar="TO")
    asked = parser.parse_args()
    if asked.command == "table":
        for name, framework in TABLE.items():
            bias = "-" if framework.forget_bias is None else framework.forget_bias
            print(f"{name:17s}{framework.title:32s}{framework.order:6s}{framework.biases}  {framework.weights:12s}"
                  f"{framework.first:9s}{bias}")
    elif asked.command == "convert":
        try:
            convert.write(convert.read(asked.source), asked.target)
        except (OSError, ValueError, ImportError) as error:
            print(f"{asked.source} was not carried over: {error}", file=sys.stderr)
            return 1
        print(f"{asked.target} holds the LSTM of {asked.source}")
    elif asked.command == "seed":
        print(json.dumps({"system": asked.system, "off": seeds.SEEDS[asked.system]()}))
    elif asked.command == "reproduce":
        print(json.dumps(conformance.reproduce(asked.framework, sys.stdin.read())))
    else:
        found = conformance.found(asked.framework)
        rows = conformance.measure(asked.framework)
        result = {"framework": asked.framework, "found": found, "rows": rows}
        if asked.framework in exhibits.FORMS:
            result["exhibit"] = exhibits.exhibit(asked.framework)
        tab = "" if sys.stdin.isatty() else sys.stdin.read()
        if tab:
            result["tab"] = conformance.run_tab(tab)
        print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
