#!/usr/bin/env python3
"""The tokenizer.json that the tokenizer metadata of a GGUF file stands for. Imported by converters; standard library only."""

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6  # tokenizer.ggml.token_type
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
# tokenizer.ggml.pre -> how texts are cut into words
PRE_TOKENIZERS = {"gpt-2": BYTE_LEVEL,
                  "smollm": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL]}}


def _named(tokens, token_id, name):
    if not isinstance(token_id, int) or not 0 <= token_id < len(tokens):
        raise ValueError(f"{name} is {token_id}, but ids end at {len(tokens) - 1}")
    return tokens[token_id]


def _post_processor(tokens, bos, eos, add_bos, add_eos):
    single, special = [{"Sequence": {"id": "A", "type_id": 0}}], {}
    for wanted, token_id, name, at in ((add_bos, bos, "bos", 0), (add_eos, eos, "eos", 1)):
        if not wanted:
            continue
        token = _named(tokens, token_id, name)
        single.insert(0 if at == 0 else len(single), {"SpecialToken": {"id": token, "type_id": 0}})
        special[token] = {"id": token, "ids": [token_id], "tokens": [token]}
    if not special:
        return {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    return {"type": "TemplateProcessing", "single": single, "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": special}


def _pairs(merges):
    pairs = []
    for number, merge in enumerate(merges):
        pair = merge.split(" ")
        if len(pair) != 2 or not all(pair):
            raise ValueError(f"tokenizer.ggml.merges[{number}] is {merge!r}, not a pair of pieces with one blank between them")
        pairs.append(pair)
    return pairs


def tokenizer_json(tokens: list[str], token_types: list[int], merges: list[str], pre: str, bos: int | None = None, eos: int | None = None,
                   add_bos: bool = False, add_eos: bool = False) -> dict:
    """Byte-level BPE (tokenizer.ggml.model "gpt2"). bos and eos are ids; control tokens become special added tokens.

    Raises ValueError naming the metadata that is missing, contradictory or not known.
    """
    if pre not in PRE_TOKENIZERS:
        raise ValueError(f"tokenizer.ggml.pre is {pre!r}, which is not known; known are {', '.join(PRE_TOKENIZERS)}")
    if len(token_types) != len(tokens):
        raise ValueError(f"tokenizer.ggml.token_type has {len(token_types)} entries for {len(tokens)} tokens")
    vocabulary = {token: token_id for token_id, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise ValueError("tokenizer.ggml.tokens has a token twice")
    added = [{"id": token_id, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": kind == CONTROL}
             for token_id, (token, kind) in enumerate(zip(tokens, token_types)) if kind in (CONTROL, USER_DEFINED)]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": PRE_TOKENIZERS[pre], "post_processor": _post_processor(tokens, bos, eos, add_bos, add_eos),
            "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "",
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocabulary, "merges": _pairs(merges)}}
