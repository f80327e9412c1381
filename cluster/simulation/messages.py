"""Messages of a simulation, as the simulator's own trace (Paje) tells them: it knows nothing of the product's cost model."""

COLUMNS = ("messages_sent", "bytes_sent", "messages_received", "bytes_received")
CREATE, START_LINK, END_LINK = "6", "15", "16"  # kinds of lines of a trace that SMPI writes


def nothing(ranks):
    return {name: [0] * ranks for name in COLUMNS}


def count(path, ranks):
    """{simulated second: {"messages_sent": [of each rank], "bytes_sent", "messages_received", "bytes_received"}}.
    A message counts in the second in which it leaves; what is received counts then, too."""
    rank_of, halves, on_the_way = {}, {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind == CREATE:  # time, alias, type, parent, name
                _, alias, _, _, name = rest.split()
                if name.strip('"').startswith("rank-"):
                    rank_of[alias] = int(name.strip('"').removeprefix("rank-"))
            elif kind == START_LINK:  # time, type, parent, value, sender, key "SENDER_RECEIVER_TAG_NUMBER", bytes
                time, _, _, _, sender, key, size = rest.split()
                # With messages within collectives, whose tags are negative, in the trace, all others are in it twice.
                weight = 2 if int(key.split("_")[2]) < 0 else 1
                counts = halves.setdefault(int(float(time)), nothing(ranks))
                counts["messages_sent"][rank_of[sender]] += weight
                counts["bytes_sent"][rank_of[sender]] += weight * int(size)
                on_the_way[key] = counts, weight, int(size)
            elif kind == END_LINK:  # time, type, parent, value, receiver, key
                _, _, _, _, receiver, key = rest.split()
                counts, weight, size = on_the_way.pop(key)
                counts["messages_received"][rank_of[receiver]] += weight
                counts["bytes_received"][rank_of[receiver]] += weight * size
    if any(half % 2 for counts in halves.values() for name in COLUMNS for half in counts[name]):
        raise ValueError(f"{path}: messages that are not in the trace twice")
    return {second: {name: [half // 2 for half in counts[name]] for name in COLUMNS} for second, counts in halves.items()}
