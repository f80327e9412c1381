"""Where each failpoint lies: in which command, and on which ranks. A failpoint that is in no list fails the test, so that a new
one is given its place here.

    NAME: {COMMAND: (ROLE, how often it is passed at least)}    ROLE "root": rank 0; "shard": a rank that stores; "any"
"""
WRITERS = ("ingest", "append", "update", "forget")
BLOCKS = ("ingest", "append", "update")
INGESTS = ("ingest", "append")


def on(commands, role, nth=1):
    return dict.fromkeys(commands, (role, nth))


CODES = {
    "store.folder.make": on(("ingest",), "root"),
    "store.folder.open": on((*WRITERS, "ask"), "any"),
    "store.folder.created": on(("ingest",), "root"),
    "store.lock.open": on(WRITERS, "root"),
    "store.lock.write": on(WRITERS, "root"),
    "store.lock.taken": on(WRITERS, "root"),
    "store.log.create": on(BLOCKS, "shard", 3),
    "store.log.header": on(BLOCKS, "shard", 3),
    "store.log.append": on(WRITERS, "shard", 3),
    "store.log.appended": on(WRITERS, "shard", 3),
    "store.log.sync": on(WRITERS, "shard", 3),
    "store.log.sync_folder": on(BLOCKS, "shard", 3),
    "store.log.synced": on(WRITERS, "shard", 3),
    "store.log.map": on(("append", "update", "forget", "ask"), "shard", 3),
    "store.manifest.read": on((*WRITERS, "ask"), "any", 2),
    "store.manifest.commit": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "store.manifest.committed": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "store.atomic.create": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "store.atomic.write": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "store.atomic.sync": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "store.atomic.rename": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "store.atomic.sync_folder": on(INGESTS, "root", 2) | on(("update", "forget"), "root"),
    "shard.block.appended": on(BLOCKS, "shard", 3),
    "shard.commit.begin": on(WRITERS, "shard"),
    "shard.commit.end": on(WRITERS, "shard"),
    "shard.forget.appended": on(("update", "forget"), "shard"),
    "shard.memory.load": on(("ask",), "shard"),
    "shard.memory.loaded": on(("ask",), "shard"),
    "shard.read.propose": on(("ask",), "shard"),
    "shard.read.hand_over": on(("ask",), "shard"),
    "coordinator.read.choose": on(("ask",), "root"),
    "coordinator.read.assemble": on(("ask",), "root"),
    "launch.ingest.encoded": on(INGESTS, "any"),
    "launch.states.gathered": on(INGESTS, "any"),
    "launch.manifest.share": on(INGESTS, "any", 2) | on(("update", "forget", "ask"), "any"),
}
ONLY_ONCE = {"store.folder.make": 0, "store.folder.created": 1}  # in the life of a memory, in this order
# Only behind another kill: what that one left has to be cleared away. (COMMAND, first kill, second kill)
PAIRS = [
    ("append", "store.atomic.write", "store.temporary.remove"),
    ("ingest", "store.atomic.rename", "store.temporary.remove"),
    ("update", "shard.commit.end", "store.log.cut"),
    ("forget", "shard.forget.appended", "store.log.cut"),
    ("update", "shard.commit.end", "store.log.remove"),
]
CODEBOOK = {"launch.key_memory.write": on(("ingest",), "any")}
# With texts and networks, in the text part of the driver.
TEXT_INGEST = {"shard.block.encoded": "shard", "launch.ingest.begin": "any", "launch.models.loaded": "any"}
TEXT_ASK = ("launch.models.loaded", "shard.memory.load", "shard.memory.loaded", "shard.read.propose", "shard.read.hand_over",
            "coordinator.read.choose", "coordinator.read.assemble", "coordinator.answers.write", "coordinator.report.write",
            "decoder.decode", "decoder.decoded")
# Where a rank dies while others live: tests/cluster/deaths.
DEATHS = ("launch.command.begin", "launch.command.done", "launch.job.agreed", "launch.answers.batch", "launch.loss.noticed", "launch.loss.survived")


def all_planned() -> set[str]:
    pairs = {name for _, first, second in PAIRS for name in (first, second)}
    return {*CODES, *CODEBOOK, *TEXT_INGEST, *TEXT_ASK, *DEATHS, *pairs}


def role_of(name: str, role: str, rank: int) -> str:
    """What the killed rank was at the time."""
    if name.split(".")[0] in ("coordinator", "decoder"):
        return name.split(".")[0]
    if role == "any":
        return "coordinator" if rank == 0 else "shard"
    return {"root": "coordinator", "shard": "shard"}[role]
