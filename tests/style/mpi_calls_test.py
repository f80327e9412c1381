#!/usr/bin/env python3
"""No wait without a deadline: MPI is called in common/comm alone, there by calls that return at once, which Transport::wait polls,
and by a few that block and stand under a base::Watchdog."""
import pathlib
import re
import sys

CALL = re.compile(r"\bP?(MPIX?_[A-Z]\w*)\s*\(")
# Return at once, whatever the other ranks do.
LOCAL = {"MPI_Get_version", "MPI_Comm_rank", "MPI_Comm_size", "MPI_Comm_set_errhandler", "MPI_Comm_group", "MPI_Group_size", "MPI_Group_free",
         "MPI_Group_translate_ranks", "MPI_Error_string", "MPI_Error_class", "MPI_Get_count", "MPI_Get_library_version", "MPI_Test",
         "MPI_Cancel", "MPI_Request_free", "MPI_Abort", "MPI_Improbe", "MPI_Imrecv", "MPI_Isend", "MPI_Irecv", "MPI_Ibcast",
         "MPI_Iallgather", "MPI_Igatherv", "MPI_Ibarrier", "MPIX_Comm_iagree", "MPIX_Comm_revoke", "MPIX_Comm_get_failed"}
# Block, and are called under a deadline there: (file, how often).
GUARDED = {"common/comm/mpi_environment.cc": {"MPI_Init_thread": 1, "MPI_Comm_dup": 1, "MPI_Comm_free": 1, "MPI_Finalize": 1},
           "common/comm/mpi_transport.cc": {"MPI_Comm_dup": 1, "MPI_Comm_free": 1},  # by the Environment, or without dead ranks
           "common/comm/ulfm.cc": {"MPIX_Comm_shrink": 1},
           # SimGrid's MPI alone, whose ranks are simulated: a deadlock ends it.
           "common/comm/simulated.h": {"MPI_Bcast": 1, "MPI_Allgather": 1, "MPI_Gatherv": 1, "MPI_Barrier": 1, "MPI_Wait": 1}}
FOLDERS = ("common", "shard", "coordinator", "decoder", "launch", "eval", "train", "bench")


def without_comments(text: str) -> str:
    return re.sub(r'//[^\n]*|"(?:\\.|[^"\\\n])*"', "", text)


def faults_of(path: str, text: str) -> list[str]:
    found, guarded = [], dict(GUARDED.get(path, {}))
    for call in CALL.findall(without_comments(text)):
        if not path.startswith("common/comm/"):
            found.append(f"{path} calls {call}; MPI belongs into common/comm")
        elif guarded.get(call, 0) > 0:
            guarded[call] -= 1
        elif call not in LOCAL:
            found.append(f"{path} calls {call}, which may block for ever; poll a call that returns at once by Transport::wait")
    return found


def check_itself() -> None:
    assert faults_of("common/comm/x.cc", "MPI_Recv(b, 1);") and faults_of("common/comm/x.cc", "MPI_Wait (&r, s);")
    assert faults_of("shard/x.cc", "MPI_Isend(b);") and not faults_of("common/comm/x.cc", "MPI_Isend(b); // MPI_Recv(b)")
    assert not faults_of("common/comm/x.cc", 'check(r, "MPI_Recv(b)");')
    assert faults_of("common/comm/mpi_environment.cc", "MPI_Finalize(); MPI_Finalize();")


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    check_itself()
    files = [path for folder in FOLDERS for pattern in ("*.cc", "*.h") for path in (root / folder).rglob(pattern)]
    found = [fault for path in sorted(files)
             for fault in faults_of(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))]
    environment = (root / "common/comm/mpi_environment.cc").read_text(encoding="utf-8")
    if len(re.findall(r"const (?:Start)?Deadline deadline\(", environment)) < 4:
        found.append("common/comm/mpi_environment.cc: start, duplicate, shrink and end each stand under a deadline")
    print("\n".join(found) or f"{len(files)} files: no call of MPI that waits without a deadline")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
