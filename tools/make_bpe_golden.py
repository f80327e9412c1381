#!/usr/bin/env python3
"""Golden data for the byte-level BPE tokenizer: the ids that the PyPI package tokenizers gives for texts made here.

    python3 tools/make_bpe_golden.py models/larimar-compact/tokenizer.json tests/data/bpe_golden.jsonl

The same seed gives the same texts. One line a text: {"text": .., "ids": [..]}. Texts hold no name of a special token: our
tokenizer takes those for ordinary text, so that a document cannot forge them.
"""
import json
import random
import sys

import tokenizers

SEED = 20240611
TEXTS = 900

COMMON = ("the a of and in to was for with on that it she he they we river stone market winter letter garden train doctor song "
          "bread number window captain forest yellow seven between slowly carried found asked wrote never because through").split()
CONTRACTIONS = ["it's", "don't", "we're", "I've", "I'm", "they'll", "he'd", "'s", "'tis", "''", "'S", "o'clock", "it's's", "x'll'd", "'re", "' s"]
BLANKS = [" ", "  ", "   ", " " * 17, "\t", "\t\t", "\n", "\n\n", "\n\n\n\n", "\r\n", " \n", "\n ", " \t ", "\x0b", "\x0c", "\x1c", "\x85",
          "\u00a0", "\u1680", "\u2003", "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff", "\u180e"]
# First and last code point of blocks: letters, digits of other scripts, marks, symbols, emoji, private use, outer planes.
SCRIPTS = [(0xA1, 0x17F), (0x180, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x586), (0x5D0, 0x5EA), (0x620, 0x64A),
           (0x660, 0x669), (0x6F0, 0x6F9), (0x904, 0x939), (0x93C, 0x94D), (0x966, 0x96F), (0xE01, 0xE3A), (0xE50, 0xE59), (0x10A0, 0x10C5),
           (0x1100, 0x1159), (0x1E00, 0x1EFF), (0x2010, 0x2046), (0x2070, 0x208E), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2150, 0x2189),
           (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2460, 0x249B), (0x2776, 0x2793), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x3220, 0x3229),
           (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFB00, 0xFB06), (0xFF01, 0xFF5E), (0xFFFC, 0xFFFD), (0x10330, 0x1034A),
           (0x10400, 0x1044F), (0x12000, 0x12399), (0x1D400, 0x1D7FF), (0x1F300, 0x1F64F), (0x1F680, 0x1F6C5), (0x20000, 0x2A6DF),
           (0xF0000, 0xF00FF), (0x10FFF0, 0x10FFFD)]
SYMBOLS = list(".,;:!?'\"()[]{}<>/\\|@#$%^&*-_+=~`") + ["...", "--", "=====", "-" * 40, "—", "«", "…", "“", "’", "。", "!?", "://", "</", "/>"]
FAMILY = "\U0001F469\u200d\U0001F469\u200d\U0001F467"
FIXED = ["", " ", "  ", "\n", "a", " a", "a ", " 1", "1 ", "12", "a1b2", "1a", "½", "²³", "Ⅻ", "٣٤", "१२३", "a٣b", " ٣", "　あ", "\u00a0a", "\u00a0\u00a0a",
         " \u00a0a", "\u00a0 a", "a\u00a0", FAMILY + " family", "e\u0301tude", "\u0301", " \u0301", "'", "' ", "x'", "x's", "x'sy", "1's", "!'s", " 's", "''s",
         "\n's", "can't've", "東京タワーは高い。", "한국어 문장", "ไทยภาษา ๑๒", "שלום עולם", "नमस्ते", "\x00", "a\x00b", "\x7f", "\u0378", "x" * 63, "x" * 64,
         "x" * 65, "x" * 300, "ab" * 32, "ab" * 33, "the" * 40, " " * 64, " " * 65, " " * 200 + "x", "\n" * 70, "=" * 64, "=" * 65, "-" * 500, "é" * 31, "é" * 33]


def word(rng):
    kind = rng.random()
    if kind < 0.6:
        text = rng.choice(COMMON)
    else:
        text = "".join(chr(rng.randint(97, 122)) for _ in range(rng.randint(1, 14)))
    return rng.choice([text, text, text, text.upper(), text.title()])


def number(rng):
    return rng.choice([str(rng.randrange(10 ** rng.randint(1, 16))), f"{rng.uniform(-1000, 1000):.3f}", f"{rng.getrandbits(64):016x}",
                       f"{rng.randrange(24):02d}:{rng.randrange(60):02d}", f"{rng.randrange(1, 10 ** 6):,d}"])


def foreign(rng):
    first, last = rng.choice(SCRIPTS)
    return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 8)))


def mixed(rng, parts):
    kinds = [word, word, word, number, foreign, lambda r: r.choice(CONTRACTIONS), lambda r: r.choice(SYMBOLS), lambda r: r.choice(BLANKS)]
    return "".join(rng.choice(kinds)(rng) + rng.choice(["", " ", " ", " "]) for _ in range(parts))


def texts():
    rng = random.Random(SEED)
    out = list(FIXED)
    # Every code point of one or two bytes, alone in a word and side by side: so every byte that such text can hold.
    out += ["".join(f"a{chr(c)}b" for c in range(first, first + 32)) for first in range(0, 0x800, 32)]
    out += ["".join(chr(c) for c in range(first, first + 64)) for first in range(0, 0x800, 64)]
    out += [f"{blank}{left}{blank}{right}" for blank in BLANKS for left, right in (("a", "b"), ("1", "2"), ("!", "'s"))]
    while len(out) < TEXTS:
        out.append(mixed(rng, rng.choice([1, 2, 3, 5, 8, 16, 24])))
    return out


def main():
    tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as lines:
        for text in texts():
            assert not any(special in text for special in ("<pad>", "<s>", "</s>")), text
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            lines.write(json.dumps({"text": text, "ids": ids}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
