#!/usr/bin/env python3
"""The tokenizer.json that a SentencePiece BPE model (tokenizer.model of Llama 2 and Mistral) stands for. Standard library only.

    python3 tools/sentencepiece_tokenizer.py tokenizer.model tokenizer.json

The file is a protocol buffer: field 1, repeated, is a piece {1: text, 2: score as float, 3: type}; field 2.3 is the kind of model.
"""
import json
import pathlib
import struct
import sys

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
BPE = 2
META = "\u2581"


def _varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError(f"not a SentencePiece model: a number at byte {at} does not end")
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def _fields(data):
    """(number, value) of each field: int for varints, bytes for everything else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if key & 7 not in (1, 2, 5):
            raise ValueError(f"not a SentencePiece model: unknown kind of field at byte {at}")
        size = {1: 8, 5: 4}.get(key & 7)
        if size is None:
            size, at = _varint(data, at)
        if at + size > len(data):
            raise ValueError(f"not a SentencePiece model: the field at byte {at} is longer than the file")
        yield key >> 3, data[at:at + size]
        at += size


def read_pieces(data: bytes) -> list[tuple[str, float, int]]:
    """(text, score, type) of each piece. Raises ValueError if this is no BPE model."""
    pieces, kind = [], None
    for number, value in _fields(data):
        if number == 1:
            piece = dict(_fields(value))
            pieces.append((piece[1].decode("utf-8"), struct.unpack("<f", piece.get(2, bytes(4)))[0], piece.get(3, NORMAL)))
        elif number == 2:
            kind = dict(_fields(value)).get(3, 1)
    if kind != BPE or not pieces:
        raise ValueError("not a SentencePiece BPE model: its kind is " + {1: "unigram", 3: "word", 4: "char"}.get(kind, "unknown"))
    return pieces


def _merges(pieces, vocabulary):
    """Every way to join two pieces to a third; the better the score of the third, the earlier."""
    merges = []
    for text, score, kind in pieces:
        if kind != NORMAL:
            continue
        ways = [(text[:cut], text[cut:]) for cut in range(1, len(text)) if text[:cut] in vocabulary and text[cut:] in vocabulary]
        merges += [(-score, -len(left), left, right) for left, right in ways]
    merges.sort(key=lambda merge: merge[:2])
    return [[left, right] for _, _, left, right in merges]


def tokenizer_json(data: bytes) -> dict:
    """The legacy form of Llama 2: a blank in front of each text, <s> before it, bytes for what has no piece."""
    pieces = read_pieces(data)
    vocabulary = {text: token_id for token_id, (text, _, _) in enumerate(pieces)}
    if len(vocabulary) != len(pieces):
        raise ValueError("the SentencePiece model has a piece twice")
    unknown = next((text for text, _, kind in pieces if kind == UNKNOWN), None)
    start = next((text for text, _, kind in pieces if kind == CONTROL), None)
    if unknown is None or start is None:
        raise ValueError("the SentencePiece model has no unknown or no control piece")
    added = [{"id": vocabulary[text], "content": text, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": kind != USER_DEFINED} for text, _, kind in pieces if kind in (UNKNOWN, CONTROL, USER_DEFINED)]
    first = {"SpecialToken": {"id": start, "type_id": 0}}
    single = [first, {"Sequence": {"id": "A", "type_id": 0}}]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": META},
                                                               {"type": "Replace", "pattern": {"String": " "}, "content": META}]},
            "pre_tokenizer": None,
            "post_processor": {"type": "TemplateProcessing", "single": single, "pair": [*single, first, {"Sequence": {"id": "B", "type_id": 1}}],
                               "special_tokens": {start: {"id": start, "ids": [vocabulary[start]], "tokens": [start]}}},
            "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": META}, "content": " "}, {"type": "ByteFallback"},
                                                         {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
            "model": {"type": "BPE", "dropout": None, "unk_token": unknown, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": True, "byte_fallback": any(kind == BYTE for _, _, kind in pieces), "ignore_merges": False,
                      "vocab": vocabulary, "merges": _merges(pieces, vocabulary)}}


def main():
    pathlib.Path(sys.argv[2]).write_text(json.dumps(tokenizer_json(pathlib.Path(sys.argv[1]).read_bytes()), ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
