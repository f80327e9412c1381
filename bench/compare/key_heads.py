#!/usr/bin/env python3
"""Would keys from the project's own encoder find more than static keys? Heads and layers distilled from MiniLM, judged on training text.

    key_heads.py --bench build/release/bench/bench_encoder_speed --minilm .deps/minilm --model models/larimar-compact \\
        --table models/static-keys/table.safetensors --text TRAIN --questions eval/needles/rerank_tuning.jsonl \\
        --kept KEPT --out docs/data/key-heads.json

Each kind of keys learns 1 - cosine to MiniLM's keys (on the table's 256 directions) of the same sentences and parts of sentences, once
over. Judged by sentences that none saw: the mean cosine; how often MiniLM's nearest of the pool is among the 64 and the 16 nearest; and
how often the sentence is that a question is about, beside that pool. One thread. Needs torch, tokenizers and safetensors (Python 3.10 or later), zstd.
Exit codes: 0 done, 1 a run failed, 2 usage, 66 no text.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

HELD_OUT, POOL, BATCH, SHORTLIST, WIDTH, SIZE = 2_000, 12_000, 128, 64, 256, 256
WARM_UP = 60  # steps


def sentences(folder, count):
    """Evenly many of each file; two in five are cut, as those that larimar static-keys draws are."""
    files, drawn, dice = sorted(folder.glob("*.txt*")), [], random.Random(1)
    if not files:
        sys.exit(66)
    for at, file in enumerate(files):
        data = subprocess.run(["zstd", "-dcf", file], capture_output=True, check=True).stdout.decode("utf-8", "replace")
        parts = sorted({part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", data) if 3 <= len(part.split()) <= 40})
        drawn += dice.sample(parts, min(len(parts), (count - len(drawn)) // (len(files) - at)))
    for at, text in enumerate(drawn):
        words = text.split()
        if len(words) > 6 and dice.random() < 0.4:
            length = dice.randint(4, min(14, len(words)))
            first = dice.randint(0, len(words) - length)
            drawn[at] = " ".join(words[first:first + length])
    dice.shuffle(drawn)
    return drawn


def minilm_keys(options, texts):
    with tempfile.TemporaryDirectory(prefix="key-heads-") as scratch:
        request, keys = pathlib.Path(scratch) / "request.json", pathlib.Path(scratch) / "keys"
        request.write_text(json.dumps({"network": "minilm", "arithmetic": "integer", "repeat": 1, "keys_file": str(keys), "texts": texts}))
        if subprocess.run([options.bench, options.minilm, request], stdout=subprocess.DEVNULL, check=False).returncode != 0:
            sys.exit(1)
        return load_file(keys)["keys"]


def examples(options, asked):
    """Texts, those of the questions last, and MiniLM's keys of them: those that are kept, or made and kept."""
    texts_file, keys_file = options.kept / "texts.json", options.kept / "keys.safetensors"
    if not texts_file.exists():
        texts = sentences(options.text, options.sentences) + asked
        keys = minilm_keys(options, texts)
        options.kept.mkdir(parents=True, exist_ok=True)
        save_file({"keys": keys}, keys_file)
        texts_file.write_text(json.dumps(texts))
    texts, keys = json.loads(texts_file.read_text()), load_file(keys_file)["keys"]
    if texts[-len(asked):] != asked or len(texts) != len(keys):
        sys.exit(f"key_heads.py: {options.kept} is of other questions")
    count = min(options.sentences, len(texts) - len(asked))
    return texts[:count], torch.cat([keys[:count], keys[-len(asked):]])


class Layer(nn.Module):
    """One of larimar-compact; `silent` ones give at first what they get."""

    def __init__(self, silent=False):
        super().__init__()
        self.attention_norm, self.mlp_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.attention_out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp_in, self.mlp_out = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        for linear in (self.attention_out, self.mlp_out) if silent else ():
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, x, real):
        count, length, _ = x.shape
        q, k, v = self.qkv(self.attention_norm(x)).view(count, length, 3, 4, WIDTH // 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=real[:, None, None, :])
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(count, length, WIDTH))
        return x + self.mlp_out(torch.relu(self.mlp_in(self.mlp_norm(x))))


class Encoder(nn.Module):
    """larimar-compact's, to its last hidden states."""

    def __init__(self, folder):
        super().__init__()
        stored = {name[8:]: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()
                  if name.startswith("encoder.") and "to_latent" not in name}
        self.pieces, self.positions = nn.Embedding(*stored["pieces.weight"].shape), nn.Embedding(*stored["positions.weight"].shape)
        self.layers, self.final_norm = nn.ModuleList([Layer(), Layer()]), nn.LayerNorm(WIDTH)
        self.load_state_dict(stored)

    def forward(self, tokens, real):
        x = self.pieces(tokens) + self.positions.weight[:tokens.shape[1]]
        for layer in self.layers:
            x = layer(x, real)
        return self.final_norm(x)


class Batch:
    """Texts as the pieces of both vocabularies, and what the encoder as it is says of them."""

    def __init__(self, texts, rows, tools):
        own = [(e.ids[:63] or [0]) + [2] for e in tools.own.encode_batch(texts, add_special_tokens=False)]
        bert = [e.ids[:128] or [100] for e in tools.bert.encode_batch(texts, add_special_tokens=False)]
        self.rows, self.targets = torch.tensor(rows), None
        self.tokens, self.real = self.padded(own)
        self.bert, self.bert_real = self.padded(bert)
        with torch.no_grad():
            self.states = tools.encoder(self.tokens, self.real).half()

    @staticmethod
    def padded(ids):
        rows = [torch.tensor(row) for row in ids]
        return (nn.utils.rnn.pad_sequence(rows, batch_first=True),
                nn.utils.rnn.pad_sequence([torch.ones(len(row), dtype=torch.bool) for row in rows], batch_first=True))


def total(x, real):
    return (x * real[..., None]).sum(1)


class Head(nn.Module):
    """Hidden states through an MLP, weighted by a gate, their mean; nothing at first where it adds to keys of the table."""

    def __init__(self, silent):
        super().__init__()
        self.gate, self.first, self.last = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, 512), nn.Linear(512, SIZE)
        if silent:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    def forward(self, states, real):
        gated = torch.relu(self.first(states)) * 2 * torch.sigmoid(self.gate(states))
        return self.last(total(gated, real) / real.sum(1, keepdim=True))


class Keys(nn.Module):
    """base: "table" (as it is), "learned table", "own pieces" (a vector for each, from nothing) or "none"; to that adds a head over the encoder, which
    may be frozen, frozen with a layer more, or learn; or else a layer over the pieces of the learned table."""

    def __init__(self, tools, base, encoder=None, layer=False):
        super().__init__()
        self.base, self.how = base, encoder
        self.table = nn.Parameter(tools.table.clone(), requires_grad=base == "learned table")
        self.norm = tools.table.norm(dim=1).mean().item()
        if base == "own pieces":
            self.pieces = nn.Embedding.from_pretrained(torch.zeros(8192, SIZE), freeze=False)
        if encoder:
            self.head = Head(silent=base == "table")
        if encoder == "learned":
            self.encoder = Encoder(tools.options.model)
        if layer:
            self.layer = Layer(silent=not encoder)
        self.layered = layer

    def forward(self, batch):
        if self.layered and not self.how:
            x = functional.embedding(batch.bert, self.table) / self.norm
            return functional.normalize(total(self.layer(x, batch.bert_real), batch.bert_real))
        key = 0
        if "table" in self.base:
            key = functional.normalize(total(functional.embedding(batch.bert, self.table), batch.bert_real))
        elif self.base == "own pieces":
            key = total(self.pieces(batch.tokens), batch.real) / batch.real.sum(1, keepdim=True)
        if self.how:
            states = self.encoder(batch.tokens, batch.real) if self.how == "learned" else batch.states.float()
            key = key + self.head(self.layer(states, batch.real) if self.layered else states, batch.real)
        return functional.normalize(key)


# Name, how it is made, and the rates of learning of tables and of all else.
KINDS = (("static keys, the table as shipped", {"base": "table"}, None),
         ("the table, learning on", {"base": "learned table"}, 1e-3),
         ("table + own encoder as it is, head", {"base": "table", "encoder": "frozen"}, 2e-3),
         ("own encoder as it is, head, a vector of each own piece", {"base": "own pieces", "encoder": "frozen"}, 3e-3),
         ("a layer over the table's vectors, both learning", {"base": "learned table", "layer": True}, 5e-4),
         ("table + own encoder as it is, one layer more, head", {"base": "table", "encoder": "frozen", "layer": True}, 1e-3),
         ("table + own encoder learning, head", {"base": "table", "encoder": "learned"}, 5e-4),
         ("own encoder learning, head", {"base": "none", "encoder": "learned"}, 1e-3))


COLUMNS = ["keys", "million multiply-adds a token", "cosine", "MiniLM's nearest among 64", "among 16", "a question's sentence among 64", "among 16",
           "first", "a prefix's first"]


def multiply_adds(how):
    """Of linear layers, a token: 12 width^2 a layer."""
    layer, head = 12 * WIDTH * WIDTH, WIDTH * 512 + WIDTH
    return (2 * layer + head if how.get("encoder") else 0) + (layer if how.get("layer") else 0)


def learn(keys, batches, rate):
    learning = [parameter for parameter in keys.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(learning, lr=rate, betas=(0.9, 0.98))
    for step, batch in enumerate(batches):
        adam.param_groups[0]["lr"] = rate * min(1, (step + 1) / WARM_UP) * (1 - step / len(batches))
        adam.zero_grad()
        (1 - (keys(batch) * batch.targets).sum(1)).mean().backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        adam.step()


def encode(keys, batches):
    with torch.no_grad():
        made, rows = torch.cat([keys(batch) for batch in batches]), torch.cat([batch.rows for batch in batches])
    return made[torch.argsort(rows)]


def places(queries, right, pool):
    """How many of the pool are nearer to each query than what is right for it."""
    return (queries @ pool.T > (queries * right).sum(1, keepdim=True) + 1e-6).sum(1).float()


def judged(held_out, pool, asked, truth):
    nearest = (truth.held_out @ truth.pool.T).argmax(1)
    far = places(held_out, pool[nearest], pool)
    found = places(asked["question"], asked["needle"], pool), places(asked["prefix"], asked["needle"], pool)
    shares = [far < SHORTLIST, far < SHORTLIST / 4, found[0] < SHORTLIST, found[0] < SHORTLIST / 4, found[0] < 1, found[1] < 1]
    return [f"{share.float().mean():.3f}" for share in shares]


def batches_of(texts, tools):
    """Of texts of nearly one length each, in an order by chance."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    cuts = [order[at:at + BATCH] for at in range(0, len(order), BATCH)]
    random.Random(1).shuffle(cuts)
    return [Batch([texts[i] for i in cut], cut, tools) for cut in cuts]


def turned(keys, static):
    """The orthogonal directions of MiniLM's keys on which they are nearest to static keys [384, SIZE]."""
    left, _, right = torch.linalg.svd(keys.T @ static, full_matrices=False)
    return left @ right


def table_of(path):
    stored = load_file(path)
    return stored["vectors"].float() * stored["scales"][:, None]


def measure(options):
    tools = argparse.Namespace(options=options, own=Tokenizer.from_file(str(options.model / "tokenizer.json")),
                               bert=Tokenizer.from_file(str(options.minilm / "tokenizer.json")), encoder=Encoder(options.model).eval())
    tools.bert.no_truncation()
    tools.bert.no_padding()
    tools.table = table_of(options.table)
    asked = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines()]
    forms = ("needle", "question", "prefix")
    texts, full = examples(options, [query[form] for form in forms for query in asked])
    a, b = HELD_OUT, HELD_OUT + POOL
    held_out, pool, learnt = (batches_of(part, tools) for part in (texts[:a], texts[a:b], texts[b:]))
    targets = functional.normalize(full @ turned(full[b:len(texts)], encode(Keys(tools, "table"), learnt)))
    for batch in learnt:
        batch.targets = targets[batch.rows + b]
    questions = {form: batches_of([query[form] for query in asked], tools) for form in forms}
    truth = argparse.Namespace(held_out=full[:a], pool=full[a:b])
    own = {form: full[len(texts) + at * len(asked):][:len(asked)] for at, form in enumerate(forms)}
    result = {"sentences": len(texts) - b, "held_out": a, "pool": POOL, "questions": len(asked), "columns": COLUMNS,
              "rows": [["MiniLM", "10.62", "1.000", *judged(truth.held_out, truth.pool, own, truth)]]}
    for name, how, rate in KINDS:
        torch.manual_seed(1)
        keys, started = Keys(tools, **how), time.process_time()
        if rate:
            learn(keys, learnt, rate)
        made = encode(keys, held_out)
        cosine = (made * targets[:a]).sum(1).mean()
        result["rows"].append([name, f"{multiply_adds(how) / 1e6:.2f}", f"{cosine:.3f}",
                               *judged(made, encode(keys, pool), {form: encode(keys, part) for form, part in questions.items()}, truth)])
        print(*result["rows"][-1], f"{time.process_time() - started:.0f} s", sep=" | ", file=sys.stderr, flush=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")  # so that a run that is cut leaves what it has


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("bench", "minilm", "model", "table", "text", "questions", "out"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--kept", type=pathlib.Path, required=True, help="folder of texts and MiniLM's keys, made by the first run and read by others")
    parser.add_argument("--sentences", type=int, default=54_000,
                        help=f"{HELD_OUT:,} of them are left out, {POOL:,} are the pool, the others are learnt")
    options = parser.parse_args()
    if options.sentences < HELD_OUT + POOL + 20_000:
        parser.error("at least 34,000 sentences are needed")
    torch.set_num_threads(1)
    measure(options)


if __name__ == "__main__":
    main()
