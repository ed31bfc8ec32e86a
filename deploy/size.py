"""How large a hub has to be for a class, from what try_hub.py measured: `python deploy/size.py` prints the table in README.md.

Memory decides: each student keeps what a server and one open chapter hold. The cores are shared, because students read for
most of an hour and rarely run things in the same second; what is assumed about that stands in the arguments of `size`.
"""
import json
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

RECORD = Path(__file__).resolve().parents[1] / "bench" / "results" / "hub.json"
MIB = 2**20 / 1e6           # a MiB in MB, the unit of the record


@dataclass(frozen=True)
class Size:
    memory_guarantee_mib: int       # a student's server and one chapter that was run and is still open, the largest
    memory_limit_mib: int           # the highest peak of any chapter, and half as much again
    memory_gib: float               # what all students are guaranteed
    cores: int
    cpu_guarantee: float            # a student's share of the cores
    nodes: int
    placeholders: int
    rush_s: float                   # how long a chapter takes on these nodes when all students run it in the same second


def upwards(number, step):
    return step * math.ceil(number / step)


def size(runs, students, arrive_minutes=10, lesson_minutes=90, runs_a_lesson=6, busy=0.5, node_cores=8, node_gib=64,
         node_share=0.9):
    """The Size of a hub for so many students, logged in at once.

    runs: of the record. arrive_minutes: in which all servers start. runs_a_lesson: how often a student runs a whole chapter,
    or as much in pieces, in lesson_minutes. busy: how much of the cores may be busy on average, so that a run need not wait.
    node_share: what of a node's memory and cores is left for students.
    """
    guarantee = upwards(max(run["open_pss_mb"] for run in runs) / MIB, 128)
    limit = upwards(1.5 * max(run["peak_rss_mb"] for run in runs) / MIB, 128)
    start = median(run["start_cpu_s"] for run in runs if "start_cpu_s" in run)
    costs = {run["chapter"]: run["chapter_cpu_s"] for run in runs}
    chapter = mean(costs.values())
    arriving = students * start / (60 * arrive_minutes)
    working = students * runs_a_lesson * chapter / (60 * lesson_minutes)
    cores = math.ceil(max(arriving, working) / busy)
    nodes = max(math.ceil(students / (node_share * node_gib * 1024 // guarantee)), math.ceil(cores / (node_share * node_cores)))
    return Size(guarantee, limit, students * guarantee / 1024, cores, upwards(cores / students, 0.01), nodes,
                math.ceil(students / 10), students * chapter / (node_share * node_cores * nodes))


def table(runs):
    rows = [(students, size(runs, students)) for students in (30, 100, 300)]
    head = "| students | memory guaranteed, GiB | cores | nodes of 8 cores and 64 GiB | a chapter that all run at once, s |"
    return "\n".join([head, "| ---: " * 5 + "|"] + [
        f"| {students} | {hub.memory_gib:.0f} | {hub.cores} | {hub.nodes} | {hub.rush_s:.0f} |" for students, hub in rows])


if __name__ == "__main__":
    measured = json.loads(RECORD.read_text(encoding="utf-8"))["runs"]
    print(table(measured))
    print(size(measured, 300))
