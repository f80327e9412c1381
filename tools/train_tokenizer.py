#!/usr/bin/env python3
"""Train the byte-level BPE of larimar-compact and write a Hugging Face tokenizer.json.

Every digit is a piece of its own and every byte has a piece, so any text can be written and read back exactly.
Usage: train_tokenizer.py --data DIR_OF_TXT_ZST --out models/larimar-compact/tokenizer.json [--pieces 8192]
Needs the packages tokenizers and zstandard, or the zstd program. The result depends on the data and on the
version of tokenizers only: files are read in name order, and the sample is cut by a fixed stride.
"""
import argparse
import pathlib
import subprocess

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL = ["<pad>", "<s>", "</s>"]


def sampled_lines(folder: pathlib.Path, stride: int):
    for path in sorted(folder.glob("*.txt.zst")):
        with subprocess.Popen(["zstd", "-dc", str(path)], stdout=subprocess.PIPE) as unpacked:
            for number, line in enumerate(unpacked.stdout):
                if number % stride == 0 and line.strip():
                    yield line.decode("utf-8").rstrip("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--pieces", type=int, default=8192)
    parser.add_argument("--stride", type=int, default=4, help="use every n-th line")
    options = parser.parse_args()

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=options.pieces, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(sampled_lines(options.data, options.stride), trainer)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out))
    print(f"{options.out}: {tokenizer.get_vocab_size()} pieces")


if __name__ == "__main__":
    main()
