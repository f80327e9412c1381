#!/usr/bin/env python3
"""The encoders of this project beside all-MiniLM-L6-v2 in Python: torch, and onnxruntime in floats and with dynamic int8.

    encoders.py --bench build/release/bench/bench_encoder_speed --minilm .deps/minilm --model models/larimar-compact --text FILE... \\
        [--sentences N] [--rounds N] [--out docs/data/encoders.json]

The same sentences, one thread, all in each round in turn; counts are processor seconds, medians over the rounds of ratios within a round.
The Python contenders get batches of sentences of equal lengths, so that they lose nothing to padding; onnxruntime runs the network that
torch exports, and the same after quantize_dynamic (per channel, reduced range as its documents advise where there is no VNNI).
Needs torch, transformers, onnx, onnxscript, onnxruntime, safetensors, numpy, and zstd for *.zst.
Exit codes: 0 done, 1 a contender's keys are not those of torch (cosine below 0.99 for floats and ours), 2 usage.
"""
import argparse
import json
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
import numpy  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402
from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import BertModel  # noqa: E402

BATCH_TOKENS = 2048
GOALS = {"MiniLM in floats, larimar over torch": 1.0, "MiniLM in integers, larimar over torch in floats": 1.6,
         "larimar-compact's codes in floats over MiniLM's keys in floats, both larimar": 5.0}


def sentences(files, count):
    drawn = []
    for file in files:
        data = subprocess.run(["zstd", "-dcf", file], capture_output=True, check=True).stdout[:4_000_000].decode("utf-8", "replace")
        drawn += [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", data) if 4 <= len(part.split()) <= 45]
    random.Random(1).shuffle(drawn)
    return drawn[:count]


class Python:
    """torch, or onnxruntime over a session; keys in the order of the texts."""

    def __init__(self, folder, session=None):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.network = BertModel.from_pretrained(folder, add_pooling_layer=False).eval() if session is None else None
        self.session = session

    def hidden(self, ids):
        if self.session is None:
            return self.network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        return torch.from_numpy(self.session.run(None, {"input_ids": ids.numpy(), "attention_mask": numpy.ones(ids.shape, numpy.int64)})[0])

    def encode(self, texts):
        ids = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        keys = numpy.empty((len(ids), 384), numpy.float32)
        at = 0
        with torch.inference_mode():
            while at < len(order):
                length = len(ids[order[at]])
                end = at
                while end < len(order) and len(ids[order[end]]) == length and (end - at) * length < BATCH_TOKENS:
                    end += 1
                batch = order[at:end]
                mean = self.hidden(torch.tensor([ids[i] for i in batch])).mean(1)
                keys[batch] = torch.nn.functional.normalize(mean, dim=1).numpy()
                at = end
        return keys

    def timed(self, texts):
        started = time.process_time()
        keys = self.encode(texts)
        return time.process_time() - started, keys


class Ours:
    def __init__(self, bench, folder, network, arithmetic, scratch):
        self.command = [str(bench), str(folder)]
        self.request = {"network": network, "arithmetic": arithmetic, "repeat": 1, "keys_file": str(scratch / f"{network}-{arithmetic}")}
        self.file = scratch / f"{network}-{arithmetic}.json"

    def timed(self, texts):
        self.file.write_text(json.dumps({**self.request, "texts": texts}), encoding="utf-8")
        result = json.loads(subprocess.run([*self.command, str(self.file)], capture_output=True, check=True, text=True).stdout)
        return result["cpu_seconds"], load_file(self.request["keys_file"])["keys"]


def sessions(folder, scratch):
    """onnxruntime's sessions, in floats and in int8."""
    network = BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    ids = torch.ones((2, 8), dtype=torch.int64)
    axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask", "last_hidden_state")}
    floats, integers = scratch / "float.onnx", scratch / "int8.onnx"
    torch.onnx.export(network, (ids, torch.ones_like(ids)), str(floats), input_names=["input_ids", "attention_mask"],
                      output_names=["last_hidden_state"], dynamic_axes=axes, dynamo=False, opset_version=17)
    quantize_dynamic(str(floats), str(integers), per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return [onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"]) for file in (floats, integers)]


def measure(contenders, texts, rounds):
    seconds, keys = {name: [] for name in contenders}, {}
    for turn in range(rounds):
        for name in list(contenders)[::-1 if turn % 2 else 1]:
            taken, keys[name] = contenders[name].timed(texts)
            seconds[name].append(taken)
    return seconds, keys


def table(seconds, keys, tokens):
    def ratio(slow, fast):
        return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast]))

    rows = []
    for name, taken in seconds.items():
        cosine = ""
        if keys[name].shape[1] == 384:
            least = float((keys[name] * keys["torch, float"]).sum(1).min())
            cosine = f"{least:.4f}"
            if least < 0.99 and "int8" not in name:
                print(f"encoders.py: the least cosine of {name} with torch is {least:.4f}", file=sys.stderr)
                sys.exit(1)
        rows.append([name, f"{tokens / statistics.median(taken):,.0f}", cosine, "", ""])
    pairs = [("torch, float", "larimar MiniLM, float"), ("torch, float", "larimar MiniLM, integer"),
             ("larimar MiniLM, float", "larimar-compact codes, float")]
    for (goal, least), pair in zip(GOALS.items(), pairs):
        rows.append([goal, "", "", f">= {least}", f"{ratio(*pair):.2f}"])
    for name, pair in (("MiniLM in floats, larimar over onnxruntime", ("onnxruntime, float", "larimar MiniLM, float")),
                       ("MiniLM, larimar in integers over onnxruntime int8", ("onnxruntime, int8", "larimar MiniLM, integer")),
                       ("larimar-compact's codes in integers over floats", ("larimar-compact codes, float", "larimar-compact codes, integer"))):
        rows.append([name, "", "", "-", f"{ratio(*pair):.2f}"])
    return {"columns": ["what", "tokens/s", "least cosine with torch", "goal", "times as fast"], "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=pathlib.Path, required=True, help="the program bench_encoder_speed")
    parser.add_argument("--minilm", type=pathlib.Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="folder of larimar-compact")
    parser.add_argument("--text", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts = sentences(options.text, options.sentences)
    with tempfile.TemporaryDirectory(prefix="encoders-") as temporary:
        scratch = pathlib.Path(temporary)
        floats, integers = sessions(options.minilm, scratch)
        contenders = {"torch, float": Python(options.minilm), "onnxruntime, float": Python(options.minilm, floats),
                      "onnxruntime, int8": Python(options.minilm, integers)}
        for arithmetic in ("float", "integer"):
            contenders[f"larimar MiniLM, {arithmetic}"] = Ours(options.bench, options.minilm, "minilm", arithmetic, scratch)
        for arithmetic in ("float", "integer"):
            contenders[f"larimar-compact codes, {arithmetic}"] = Ours(options.bench, options.model, "compact", arithmetic, scratch)
        tokens = sum(len(ids.ids) for ids in contenders["torch, float"].tokenizer.encode_batch(texts))
        result = table(*measure(contenders, texts, options.rounds), tokens)
    text = json.dumps(result, indent=1) + "\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
