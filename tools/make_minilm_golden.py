#!/usr/bin/env python3
"""Golden data for the sentence encoder: what the Python libraries give for all-MiniLM-L6-v2 on 1,000 made-up sentences.

    python3 tools/make_minilm_golden.py MODEL_FOLDER tests/data

Needs the PyPI packages torch (CPU is enough), transformers, tokenizers, safetensors and numpy; their versions are written
into the metadata of the vectors. The same seed gives the same sentences. Writes
    minilm_sentences.jsonl      {"text": .., "ids": [..], "decoded": ..}: pieces without special tokens, not truncated
    minilm_vectors.safetensors  "keys" [sentences, 384], F32: mean over the pieces, length 1
    minilm_code_points.json     a hash of the ids of "a" + c + "b" for each block of 4,096 code points c
"""
import json
import pathlib
import random
import sys

import numpy
import tokenizers
import torch
import transformers
from safetensors.numpy import save_file

SENTENCES = 1000
SEED = 20240607
MAX_TOKENS = 256  # sentence_bert_config.json, [CLS] and [SEP] included
BLOCK = 4096

ONSETS = ["b", "br", "c", "ch", "d", "f", "g", "gl", "h", "j", "k", "l", "m", "n", "p", "pr", "qu", "r", "s", "st", "t", "tr", "v", "w", "z", ""]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "y"]
CODAS = ["", "", "n", "r", "s", "t", "nd", "ck", "ng", "l", "m"]
COMMON = ("the a of and in to is was for with on that it she he they we river stone market winter letter garden train doctor "
          "machine song paper bread number window captain forest yellow seven between slowly carried found asked wrote never").split()
# First and last code point of scripts that meet every branch of the normaliser.
SCRIPTS = [(0xC0, 0x17F), (0x1E00, 0x1EFF), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5F4), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE5B),
           (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x1F300, 0x1F64F), (0x2000, 0x206F), (0x2190, 0x22FF), (0xFF00, 0xFFEF),
           (0x20000, 0x2A6DF), (0xE000, 0xE0FF), (0x1D400, 0x1D7FF), (0x300, 0x36F)]
PUNCTUATION = list(".,;:!?'\"()[]{}<>/\\|@#$%^&*-_+=~`") + ["...", "--", "—", "«", "»", "…", "„", "“", "’", "。", "¿"]
BLANKS = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u200b", "\u2028", "\u3000", "\ufeff", "\u00ad", "\x00", "\x0b", "\x7f", "\ufffd"]
SPECIALS = ["[MASK]", "[SEP]", "[CLS]", "[PAD]", "[UNK]", "[mask]", "[MASK", "##ing", "##"]


def word(rng):
    if rng.random() < 0.6:
        return rng.choice(COMMON)
    return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(rng.randint(1, 4)))


def number(rng):
    return rng.choice([
        lambda: str(rng.randrange(10 ** rng.randint(1, 16))),
        lambda: f"{rng.uniform(-1000, 1000):.3f}",
        lambda: f"{rng.randrange(24):02d}:{rng.randrange(60):02d}",
        lambda: f"{rng.getrandbits(64):016x}",
        lambda: f"{rng.randrange(1, 1000):,d} %",
    ])()


def foreign(rng):
    first, last = rng.choice(SCRIPTS)
    return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 8)))


def cased(rng, text):
    return rng.choice([text, text, text, text.upper(), text.title(), text.swapcase()])


def sentence(rng, words):
    parts = []
    for _ in range(words):
        kind = rng.random()
        if kind < 0.74:
            parts.append(cased(rng, word(rng)))
        elif kind < 0.83:
            parts.append(number(rng))
        elif kind < 0.90:
            parts.append(foreign(rng))
        elif kind < 0.96:
            parts.append(rng.choice(PUNCTUATION))
        elif kind < 0.98:
            parts.append(rng.choice(BLANKS))
        else:
            parts.append(rng.choice(SPECIALS))
    return "".join(part + rng.choice(["", " ", " ", " ", " "]) for part in parts)


def sentences():
    rng = random.Random(SEED)
    fixed = ["", " ", "\t\n", "\x00", "\ufffd", "a", ".", "[CLS]", "[MASK][MASK]", "a[SEP]b", "x" * 100, "x" * 101, "é" * 100, "е" * 101,
             "e\u0301tude", "İstanbul", "ΟΔΟΣ", "ﬁne", "Straße", "ＦＵＬＬ", "한국어 문장", "東京タワーは高い", "👩‍👩‍👧 family", "naïve café",
             "it's don't we're I'm they've", "3.14159", "no.1,000,000", "https://example.org/a_b?c=d&e=f", "\u202eabc\u202c"]
    out = list(fixed)
    while len(out) < SENTENCES:
        words = rng.choice([1, 2, 3, 5, 8, 12, 16, 20, 24]) if len(out) % 50 else rng.randint(200, 300)
        out.append(sentence(rng, words))
    return out


def fnv(values):
    result = 0xCBF29CE484222325
    for value in values:
        result = ((result ^ value) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{result:016x}"


def code_point_hashes(tokenizer):
    hashes = []
    for first in range(0, 0x110000, BLOCK):
        texts = ["a" + chr(c) + "b" for c in range(first, first + BLOCK) if not 0xD800 <= c <= 0xDFFF]
        found = tokenizer.encode_batch(texts, add_special_tokens=False)
        hashes.append(fnv(value for encoding in found for value in [*encoding.ids, 0xFFFF]))
    return hashes


@torch.inference_mode()
def keys(model, tokenizer, texts):
    rows = []
    cls, sep = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    for text in texts:  # one at a time: no padding enters the reference
        ids = tokenizer.encode(text, add_special_tokens=False).ids[:MAX_TOKENS - 2]
        hidden = model(input_ids=torch.tensor([[cls, *ids, sep]])).last_hidden_state[0]
        rows.append(torch.nn.functional.normalize(hidden.mean(0), dim=0))
    return torch.stack(rows).numpy()


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    torch.set_num_threads(1)
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    model = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False, attn_implementation="eager").eval()
    texts = sentences()
    with open(out / "minilm_sentences.jsonl", "w", encoding="utf-8") as lines:
        for text in texts:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            lines.write(json.dumps({"text": text, "ids": ids, "decoded": tokenizer.decode(ids)}, separators=(",", ":")) + "\n")
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
                "seed": str(SEED)}
    save_file({"keys": numpy.ascontiguousarray(keys(model, tokenizer, texts))}, out / "minilm_vectors.safetensors", metadata=versions)
    with open(out / "minilm_code_points.json", "w", encoding="utf-8") as file:
        json.dump({"block": BLOCK, "hashes": code_point_hashes(tokenizer)}, file, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
