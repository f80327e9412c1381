#!/usr/bin/env python3
"""Golden data for the tokenizers: small ones of each form, and what the PyPI package tokenizers does with many texts.

    python3 tools/make_tokenizer_golden.py tests/data/tokenizers                                    # needs tokenizers 0.22.2
    python3 tools/make_tokenizer_golden.py tests/data/tokenizers --texts DIR --minilm tokenizer.json    # also hashes.json

Writes NAME.json (the tokenizer) and NAME.jsonl, a case a line:
    {"text", "ids", "plain"}            ids: all added tokens found; plain: special tokens are text (where that differs)
    {"tokens", "text", "marked"}        decoded without and with special tokens
and post.json: numbers of ids, and what the post-processors add. hashes.json: of each tokenizer, of each *.txt.zst of DIR by paragraphs
and of 10,000 random strings, FNV-1a over the ids with 0xFFFF after each text. forms.json: hashes of the
normal forms of every code point. The same seed and version give the same texts; an existing NAME.json is kept, since training breaks ties at random.
"""
import argparse
import json
import pathlib
import random
import subprocess

import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

VERSION = "0.22.2"
SEED = 20250117
TEXTS = 260
RANDOM = 10_000
META = "\u2581"
PROSE = ["The river rose slowly behind the old stone mill, and nobody in the village slept that night.",
         "\u201cIt's late,\u201d she said; they'd walked 12 miles since 6:45 and hadn't eaten. Don't stop now!",
         "A garden, a letter, seven yellow windows: the captain wrote them all down (in 1874) and forgot why.",
         "Der Fluß fließt über die Brücke. Ça va très bien, merci! ¿Dónde está la niña? Ångström, Łódź, œuvre.",
         "Москва слезам не верит. Η γρήγορη αλεπού. שלום עולם. مرحبا بالعالم. नमस्ते दुनिया। ภาษาไทย",
         "東京タワーは高い。中国的首都是北京。 한국어 문장입니다.",
         "def f(x):\n    return x * 2  # twice\n\n\n\tif a != b and c >= 10: print(f\"{a:.3f}\")\r\n",
         "www.example.org/path?q=1&r=two+three  <tag attr='v'>text</tag>  user@mail.net  3.14159  1,000,000"]
BLANKS = [" ", " ", " ", "  ", "   ", " " * 9, "\t", "\n", "\n\n", "\r\n", " \n ", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u1680", "\u2003",
          "\u200b", "\u2028", "\u202f", "\u3000", "\ufeff", META]
SIGNS = list(".,;:!?'\"()[]{}<>/\\|@#$%^&*-_+=~`") + ["...", "--", "\u2014", "\u201c", "\u2019", "'s", "n't", "'ll", " 's", "</", "##", "<0x41>"]
# First and last code point of blocks: letters, digits, marks, right-to-left, ideographs, emoji, private use, outer planes.
SCRIPTS = [(0x00, 0x1F), (0x7F, 0x9F), (0xA1, 0x17F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x591, 0x5EA), (0x600, 0x6FF), (0x900, 0x97F),
           (0xE01, 0xE5B), (0x1100, 0x11FF), (0x1E00, 0x1EFF), (0x2010, 0x206F), (0x2070, 0x218B), (0x2190, 0x24FF), (0x3041, 0x30FF),
           (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFB00, 0xFB4F), (0xFE00, 0xFE0F), (0xFF01, 0xFF9F), (0xFFF9, 0xFFFD),
           (0x10330, 0x1034A), (0x1D400, 0x1D7FF), (0x1F1E6, 0x1F1FF), (0x1F300, 0x1F6C5), (0x20000, 0x2A6DF), (0xF0000, 0xF00FF), (0x10FFF0, 0x10FFFD)]
FAMILY = "\U0001F469\u200d\U0001F469\u200d\U0001F467"
FIXED = ["", " ", "  ", "\n", "a", " a", "a ", "\x00", "a\x00b", META, META + "a", " " + META, "a" + META + " b", FAMILY, FAMILY + " family", "e\u0301tude",
         "\u0301", " \u0301", "\u0130stanbul", "\u03a3\u03a3", "stra\u00dfe", "x" * 63, "x" * 64, "x" * 65, "ab" * 120, " " * 70 + "x", "\n" * 70, "\u6771" * 30,
         "\u00e9" * 40, "don't 'tis", "<0x0A>", "<0x0a>", "\ufb01ne", "\u1e9b\u0323", "\u2460\u00bd", "\U0001F1E9\U0001F1EA"]
# Every added token of every form stands in the texts, bare and with all kinds of neighbours.
SPECIALS = ["<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "<|end|>", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "[PAD]"]
PLAIN = ["<tool>", "<tool>x", "New York", "word", "Left", "Right"]


def random_text(rng, parts):
    def word():
        return rng.choice(rng.choice(PROSE).split()) if rng.random() < 0.6 else "".join(chr(rng.randint(97, 122)) for _ in range(rng.randint(1, 14)))

    def foreign():
        first, last = rng.choice(SCRIPTS)
        return "".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 6)))

    def anywhere():
        return "".join(chr(rng.choice([c for c in (rng.randrange(0x110000),) if not 0xD800 <= c < 0xE000] or [0x41])) for _ in range(rng.randint(1, 3)))
    kinds = [word, word, word, foreign, foreign, anywhere, lambda: str(rng.randrange(10 ** rng.randint(1, 12))), lambda: rng.choice(SIGNS),
             lambda: rng.choice(BLANKS), lambda: rng.choice(SPECIALS), lambda: rng.choice(PLAIN)]
    return "".join(rng.choice(kinds)() + rng.choice(["", "", " ", rng.choice(BLANKS)]) for _ in range(parts))


def texts(seed, count):
    rng = random.Random(seed)
    out = FIXED + PROSE + ["".join(chr(c) for c in range(first, first + 32)) for first in range(0, 0x200, 32)]
    for token in SPECIALS + PLAIN:
        out += [f"{left}{token}{right}" for left, right in (("", ""), ("a", "b"), (" ", " "), ("a  ", "  b"), ("\n ", "\t"), (token, token))]
    return out + [random_text(rng, rng.choice([1, 2, 4, 8, 16])) for _ in range(count)]


def byte_level(digits):
    tokenizer = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level]) if digits else level
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    specials = ["<|endoftext|>", "<|im_start|>"] if digits else []
    return tokenizer, trainers.BpeTrainer(vocab_size=480, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)


def fallback(metaspace):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if metaspace:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=META, prepend_scheme="first", split=metaspace == "split")
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(META), normalizers.Replace(" ", META)])
    steps = [decoders.Replace(META, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    byte_pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    return tokenizer, trainers.BpeTrainer(vocab_size=620, special_tokens=["<unk>", "<s>", "</s>"] + byte_pieces, show_progress=False, limit_alphabet=90)


def metaspace_plain():  # without byte fallback: unknown characters, not fused, and the Metaspace decoder
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=META, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=META, prepend_scheme="always")
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    return tokenizer, trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False, limit_alphabet=60)


def word_piece(cased):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=not cased)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    if cased:
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    else:
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                                 special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer, trainers.WordPieceTrainer(vocab_size=480, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)


FORMS = {"gpt2": (lambda: byte_level(False), lambda: [AddedToken(t, special=True) for t in ("<|endoftext|>", "[PAD]", "<s>", "</s>")]),
         "smollm2": (lambda: byte_level(True), lambda: [AddedToken("New York"), AddedToken("word", single_word=True)]),
         "llama": (lambda: fallback(""), lambda: [AddedToken("<|end|>", special=True, rstrip=True, normalized=False), AddedToken("<tool>", normalized=False),
                                                  AddedToken("<tool>x", normalized=False, lstrip=True), AddedToken("New York")]),
         "mistral": (lambda: fallback("whole"), lambda: [AddedToken("[MASK]", special=True, lstrip=True), AddedToken("Left", lstrip=True, normalized=False),
                                                         AddedToken("Right", rstrip=True, normalized=False), AddedToken("word", single_word=True, normalized=False)]),
         "metaspace": (lambda: fallback("split"), lambda: [AddedToken("New York"), AddedToken("word", single_word=True, lstrip=True, rstrip=True)]),
         "unknown": (metaspace_plain, lambda: [AddedToken("New York"), AddedToken("Left", normalized=False)]),
         "bert_uncased": (lambda: word_piece(False), lambda: [AddedToken("New York"), AddedToken("<tool>", special=True, lstrip=True)]),
         "bert_cased": (lambda: word_piece(True), lambda: [AddedToken("word", single_word=True), AddedToken("<tool>", normalized=False)])}


def make(name):
    build, added = FORMS[name]
    tokenizer, trainer = build()
    tokenizer.train_from_iterator(PROSE * 3, trainer)
    for token in added():
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return tokenizer


def case(tokenizer, text, is_bert):
    tokenizer.encode_special_tokens = False
    line = {"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids}
    tokenizer.encode_special_tokens = not is_bert
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    if plain != line["ids"]:
        line["plain"] = plain
    return line


def decoded(tokenizer, ids):
    return {"tokens": ids, "text": tokenizer.decode(ids, skip_special_tokens=True), "marked": tokenizer.decode(ids, skip_special_tokens=False)}


def counted_texts(seed, ranges, count):
    """Random strings from a generator that is written a second time in tests/unit/text/tokenizer_hashes_test.cc."""
    mask = (1 << 64) - 1
    state = seed

    def below(end):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) & mask
        return (state >> 33) % end
    for _ in range(count):
        text = ""
        for _ in range(1 + below(24)):
            first, last = ranges[below(len(ranges))]
            text += chr(first + below(last - first + 1))
        yield text


def fnv(tokenizer, texts_):
    value = 0xCBF29CE484222325
    for encoding in tokenizer.encode_batch(list(texts_), add_special_tokens=False):
        for token in (*encoding.ids, 0xFFFF):
            value = ((value ^ token) * 0x100000001B3) & ((1 << 64) - 1)
    return f"{value:016x}"


def make_hashes(folder, texts_folder, minilm):
    root = pathlib.Path(__file__).resolve().parent.parent
    paths = {name: folder / f"{name}.json" for name in FORMS}
    paths |= {"larimar-compact": root / "models/larimar-compact/tokenizer.json", "minilm": minilm}
    ranges = [(0x20, 0x7E)] * 20 + SCRIPTS + [(0, 0xD7FF), (0xE000, 0x10FFFF)]
    files = {path.name: subprocess.run(["zstd", "-dcq", str(path)], capture_output=True, check=True).stdout.decode("utf-8").split("\n\n")
             for path in sorted(texts_folder.glob("*.txt.zst"))}
    hashes = {}
    for name, path in paths.items():
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        hashes[name] = {file: fnv(tokenizer, parts) for file, parts in files.items()}
        hashes[name]["random"] = fnv(tokenizer, counted_texts(SEED, ranges, RANDOM))
    return {"made_by": "tools/make_tokenizer_golden.py", "tokenizers": VERSION, "seed": SEED, "strings": RANDOM, "ranges": ranges, "hashes": hashes}


def form_hashes():
    """FNV-1a over the UTF-8 of the normal forms and small letters of every code point between marks, 0xFF after each; by 0x1000."""
    steps = {"NFC": normalizers.NFC(), "NFD": normalizers.NFD(), "NFKC": normalizers.NFKC(), "NFKD": normalizers.NFKD(), "Lowercase": normalizers.Lowercase()}
    hashes = {}
    for name, step in steps.items():
        hashes[name] = []
        for block in range(0, 0x110000, 0x1000):
            value = 0xCBF29CE484222325
            for point in range(block, block + 0x1000):
                if 0xD800 <= point < 0xE000:
                    continue
                for byte in step.normalize_str(f"a\u0301\u0323{chr(point)}\u0327{chr(point)}").encode() + b"\xff":
                    value = ((value ^ byte) * 0x100000001B3) & ((1 << 64) - 1)
            hashes[name].append(f"{value:016x}")
    return {"made_by": "tools/make_tokenizer_golden.py", "tokenizers": VERSION, "hashes": hashes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--texts", type=pathlib.Path)
    parser.add_argument("--minilm", type=pathlib.Path)
    options = parser.parse_args()
    assert tokenizers.__version__ == VERSION, f"tokenizers {VERSION} is needed, found {tokenizers.__version__}"
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    post = {"made_by": "tools/make_tokenizer_golden.py", "tokenizers": VERSION, "seed": SEED}
    for number, name in enumerate(FORMS):
        if not (folder / f"{name}.json").exists():
            (folder / f"{name}.json").write_text(make(name).to_str(pretty=False), encoding="utf-8")
        tokenizer = Tokenizer.from_file(str(folder / f"{name}.json"))
        rng = random.Random(SEED + 1000 + number)
        size = tokenizer.get_vocab_size()
        lines = [case(tokenizer, text, name.startswith("bert")) for text in texts(SEED + number, TEXTS)]
        lines += [decoded(tokenizer, line["ids"]) for line in lines[:len(FIXED) + len(PROSE)] + lines[-60:]]
        # Ids that no text gives: halves of code points, bytes that are none, special tokens anywhere.
        ids = [[rng.randrange(size if rng.random() < 0.5 else min(size, 259)) for _ in range(rng.randint(1, 16))] for _ in range(120)]
        lines += [decoded(tokenizer, each) for each in ids]
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        tokenizer.encode_special_tokens = False
        post[name] = {"size": size, "ids": tokenizer.encode("a river", add_special_tokens=False).ids, "with_specials": tokenizer.encode("a river").ids}
    (folder / "post.json").write_text(json.dumps(post) + "\n", encoding="utf-8")
    (folder / "forms.json").write_text(json.dumps(form_hashes(), indent=0) + "\n", encoding="utf-8")
    if options.texts:
        (folder / "hashes.json").write_text(json.dumps(make_hashes(folder, options.texts, options.minilm), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
