#!/usr/bin/env python3
"""Model folders that are damaged in every way that a copy or a disk can bring about: refused by all ranks, quickly."""
import json
import os
import pathlib
import shutil
import struct

import harness
import texts
from harness import ProgramTest

RANKS = 3
# Loading starts within a second; the rest is patience with a machine that does other things as well.
SECONDS = 15


class BadModel(ProgramTest):
    def setUp(self):
        super().setUp()
        self.context = self.write("context.txt", texts.PASSKEY)
        self.model = self.folder / "model"
        self.model.mkdir()
        for path in harness.settings.model.iterdir():
            os.symlink(path, self.model / path.name)

    def own(self, name: str) -> pathlib.Path:
        """A copy of a file of the model that may be changed."""
        path = self.model / name
        source = path.resolve()
        path.unlink()
        shutil.copyfile(source, path)
        return path

    def edit_config(self, change):
        path = self.own("config.json")
        config = json.loads(path.read_text(encoding="utf-8"))
        change(config)
        path.write_text(json.dumps(config), encoding="utf-8")

    def edit_header(self, change):
        """Rewrites the header of model.safetensors; the tensors' bytes stay."""
        path = self.own("model.safetensors")
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        change(header)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length:])

    def tensors(self) -> list[str]:
        data = (self.model / "model.safetensors").read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8:8 + length])
        header.pop("__metadata__", None)
        return sorted(header, key=lambda name: header[name]["data_offsets"])

    def refused(self, code: int, *words: str, ranks=RANKS):
        result = self.ask(self.context, "--model", self.model, ranks=ranks)
        self.assert_refused(result, code, *words)
        self.assertLess(result.seconds, SECONDS)

    def test_the_copy_itself_works(self):
        self.assert_done(self.ask(self.context, "--model", self.model))

    def test_no_folder(self):
        shutil.rmtree(self.model)
        self.refused(66, "config.json", "--model")

    def test_truncated(self):
        path = self.own("model.safetensors")
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 1)
        self.refused(65, "model.safetensors")

    def test_truncated_within_the_header(self):
        path = self.own("model.safetensors")
        with path.open("r+b") as file:
            file.truncate(100)
        self.refused(65, "model.safetensors")

    def test_empty_file(self):
        self.own("model.safetensors").write_bytes(b"")
        self.refused(65, "model.safetensors")

    def test_header_length_beyond_the_file(self):
        path = self.own("model.safetensors")
        with path.open("r+b") as file:
            file.write(struct.pack("<Q", 2**63))
        self.refused(65, "model.safetensors")

    def test_overlapping_tensors(self):
        first, second = self.tensors()[:2]

        def overlap(header):
            begin, end = header[second]["data_offsets"]
            header[second]["data_offsets"] = [begin - 2, end - 2]
        self.edit_header(overlap)
        self.refused(65, "model.safetensors", second)

    def test_tensor_beyond_the_file(self):
        last = self.tensors()[-1]

        def enlarge(header):
            header[last]["shape"][0] += 1000
            columns = 1
            for size in header[last]["shape"][1:]:
                columns *= size
            header[last]["data_offsets"][1] += 1000 * columns * 2
        self.edit_header(enlarge)
        self.refused(65, "model.safetensors", last)

    def test_shape_whose_size_overflows(self):
        last = self.tensors()[-1]
        self.edit_header(lambda header: header[last].update(shape=[2**33, 2**33]))
        self.refused(65, "model.safetensors", last)

    def test_wrong_shape(self):
        name = next(name for name in self.tensors() if "weight" in name)

        def turn(header):
            header[name]["shape"] = [1, *header[name]["shape"]]
        self.edit_header(turn)
        self.refused(65, "model.safetensors", name, "expected")

    def test_missing_and_unknown_tensor(self):
        name = self.tensors()[3]
        self.edit_header(lambda header: header.update({"stranger": header.pop(name)}))
        self.refused(65, "model.safetensors", f"{name} is missing", "stranger")

    def test_wrong_type(self):
        name = self.tensors()[3]
        self.edit_header(lambda header: header[name].update(dtype="I16"))
        self.refused(65, "model.safetensors", name, "I16")

    def test_broken_config(self):
        self.own("config.json").write_text('{"architecture": "larimar-compact",', encoding="utf-8")
        self.refused(65, "config.json")

    def test_config_without_a_field(self):
        self.edit_config(lambda config: config.pop("latents"))
        self.refused(65, "config.json", "latents")

    def test_config_of_other_sizes(self):
        self.edit_config(lambda config: config.update(width=config["width"] * 2))
        self.refused(65, "model.safetensors", "expected")

    def test_config_with_absurd_sizes(self):
        """Refused before anything of that size is allocated."""
        self.edit_config(lambda config: config.update(width=1 << 40))
        self.refused(65, "config.json", "width")

    def test_tokenizer_of_another_size(self):
        path = self.own("tokenizer.json")
        tokenizer = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = tokenizer["model"]["vocab"]
        piece = max(vocabulary, key=vocabulary.get)
        del vocabulary[piece]
        merges = tokenizer["model"]["merges"]
        tokenizer["model"]["merges"] = [merge for merge in merges
                                        if piece not in ("".join(merge) if isinstance(merge, list) else merge.replace(" ", ""))]
        path.write_text(json.dumps(tokenizer), encoding="utf-8")
        self.refused(65, "tokenizer.json", "config.json")

    def test_broken_tokenizer(self):
        self.own("tokenizer.json").write_text("{}", encoding="utf-8")
        self.refused(65, "tokenizer.json")

    def test_no_tokenizer(self):
        (self.model / "tokenizer.json").unlink()
        self.refused(66, "tokenizer.json", ranks=0)


if __name__ == "__main__":
    harness.main()
