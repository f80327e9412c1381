#!/usr/bin/env python3
"""Tests of the tools that make a tokenizer.json from other files. Usage: tokenizer_tools_test.py REPOSITORY"""
import pathlib
import struct
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(sys.argv.pop(1)).resolve() / "tools"))
import gguf_tokenizer  # noqa: E402
import sentencepiece_tokenizer  # noqa: E402

META = "\u2581"
TOKENS = ["<|end|>", "tool", "a", "b", "ab"]
TYPES = [gguf_tokenizer.CONTROL, gguf_tokenizer.USER_DEFINED, 1, 1, 1]


class GgufTests(unittest.TestCase):
    def make(self, **changes):
        arguments = {"tokens": TOKENS, "token_types": TYPES, "merges": ["a b"], "pre": "smollm", **changes}
        return gguf_tokenizer.tokenizer_json(**arguments)

    def test_pieces_merges_and_added_tokens(self):
        made = self.make()
        self.assertEqual(made["model"]["vocab"], {"<|end|>": 0, "tool": 1, "a": 2, "b": 3, "ab": 4})
        self.assertEqual(made["model"]["merges"], [["a", "b"]])
        self.assertEqual([(token["id"], token["content"], token["special"]) for token in made["added_tokens"]], [(0, "<|end|>", True), (1, "tool", False)])
        self.assertEqual([step["type"] for step in made["pre_tokenizer"]["pretokenizers"]], ["Digits", "ByteLevel"])
        self.assertEqual(made["post_processor"]["type"], "ByteLevel")

    def test_tokens_around_a_text(self):
        single = self.make(bos=0, eos=1, add_bos=True, add_eos=True)["post_processor"]["single"]
        self.assertEqual([list(part)[0] for part in single], ["SpecialToken", "Sequence", "SpecialToken"])
        self.assertEqual((single[0]["SpecialToken"]["id"], single[2]["SpecialToken"]["id"]), ("<|end|>", "tool"))

    def test_faults_are_named(self):
        for changes, message in (({"pre": "llama-bpe"}, "tokenizer.ggml.pre is 'llama-bpe'"), ({"token_types": [1]}, "1 entries for 5 tokens"),
                                 ({"tokens": ["a"] * 5}, "a token twice"), ({"merges": ["a b", "ab"]}, r"merges\[1\] is 'ab'"),
                                 ({"add_bos": True, "bos": 5}, "bos is 5, but ids end at 4"), ({"add_bos": True}, "bos is None")):
            with self.assertRaisesRegex(ValueError, message):
                self.make(**changes)


def field(number, value):
    if isinstance(value, int):
        return bytes([number << 3, value])
    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    return bytes([number << 3 | 2, len(value)]) + value


def model(pieces, kind=sentencepiece_tokenizer.BPE):
    parts = [field(1, field(1, text.encode()) + field(2, score) + field(3, type_)) for text, score, type_ in pieces]
    return b"".join(parts) + field(2, field(3, kind))


PIECES = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("ab", -1.0, 1), (META + "ab", -0.5, 1), (META + "a", -2.0, 1), (META, -3.0, 1),
          ("a", -4.0, 1), ("b", -5.0, 1)]


class SentencePieceTests(unittest.TestCase):
    def test_merges_go_by_score_then_by_the_longer_left_side(self):
        made = sentencepiece_tokenizer.tokenizer_json(model(PIECES))
        self.assertEqual(made["model"]["merges"], [[META + "a", "b"], [META, "ab"], ["a", "b"], [META, "a"]])
        self.assertEqual([token["content"] for token in made["added_tokens"]], ["<unk>", "<s>", "</s>"])
        self.assertEqual(made["post_processor"]["special_tokens"]["<s>"]["ids"], [1])
        self.assertFalse(made["model"]["byte_fallback"])
        self.assertTrue(sentencepiece_tokenizer.tokenizer_json(model([*PIECES, ("<0x41>", 0.0, 6)]))["model"]["byte_fallback"])

    def test_faults_are_named(self):
        whole = model(PIECES)
        for data, message in ((model(PIECES, 1), "its kind is unigram"), (b"", "its kind is unknown"), (whole[:20], "longer than the file"),
                              (b"\x80", "does not end"), (b"\x0b", "unknown kind of field"), (model(PIECES + PIECES[-1:]), "a piece twice"),
                              (model(PIECES[3:]), "no unknown or no control")):
            with self.assertRaisesRegex(ValueError, message):
                sentencepiece_tokenizer.tokenizer_json(data)


if __name__ == "__main__":
    unittest.main()
