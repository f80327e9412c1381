#!/usr/bin/env python3
"""`larimar convert` and files that want to be a program, lie about sizes, or are no checkpoint: nothing runs, nothing is written."""
import json
import os
import pickle
import struct
import subprocess
import sys
import time
import zipfile

import harness
import tensors
from harness import ProgramTest


class Call:
    """Pickles as the call of a function: what an attacker puts into a checkpoint."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


class ConvertTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = harness.settings.source / "tests" / "data" / "larimar"
        self.checkpoint = self.data / "tiny.ckpt"

    def convert(self, file, *more):
        return self.run_program("convert", file, self.out, "--encoder-tokenizer", self.data / "bert", "--decoder-tokenizer",
                                self.data / "gpt2", "--encoder-heads", 3, "--decoder-heads", 2, *more)

    def refused(self, file, *words, code=65):
        started = time.monotonic()
        result = self.convert(file)
        self.assertEqual(result.code, code, result.err)
        self.assertLess(time.monotonic() - started, 5)
        for word in words:
            self.assertIn(word, result.err)
        self.assertNotIn("Traceback", result.err)
        self.assertFalse(self.out.exists())
        self.assertEqual([path for path in self.folder.iterdir() if ".part" in path.name], [])
        return result.err

    def zipped(self, root_pickle: bytes, **entries: bytes):
        path = self.folder / "made.ckpt"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("archive/data.pkl", root_pickle)
            for name, data in entries.items():
                archive.writestr(f"archive/data/{name}", data)
        return path

    def changed(self, change):
        """The true checkpoint with its pickle changed."""
        path = self.folder / "changed.ckpt"
        with zipfile.ZipFile(self.checkpoint) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
            for info in source.infolist():
                data = source.read(info)
                target.writestr(info.filename, change(data) if info.filename.endswith("/data.pkl") else data)
        return path


class Foreign(ConvertTest):
    def test_calls_are_named_and_never_made(self):
        witness = self.folder / "witness"
        for function, arguments, name in ((os.system, (f"touch {witness}",), "system"), (eval, ("1+1",), "eval"),
                                          (exec, ("import os",), ".exec"), (getattr, (1, "real"), ".getattr"),
                                          (open, (str(witness), "w"), "open")):
            for protocol in (2, 3, 4, 5):
                root = {"state_dict": {"model.encoder.x": Call(function, *arguments)}}
                err = self.refused(self.zipped(pickle.dumps(root, protocol)), name)
                self.assertIn("not on the list", err)
                self.assertFalse(witness.exists())

    def test_foreign_opcodes_are_named(self):
        for body, name in ((b"cos\nsystem\n", "os.system"), (b"(ios\nsystem\n.", "INST"), (b"S'x'\n.", "STRING"), (b"I1\n.", "INT"), (b"\x82\x01.", "EXT1"),
                           (b"}\x81.", "NEWOBJ"), (b"P1\n.", "PERSID"), (b"2.", "DUP"), (b"(o.", "OBJ"), (b"\x8f.", "EMPTY_SET"),
                           (b"C\x01a.", "SHORT_BINBYTES")):
            self.refused(self.zipped(b"\x80\x02" + body), name)

    def test_known_names_take_known_arguments_only(self):
        rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n"
        self.refused(self.zipped(b"\x80\x02" + rebuild + b")R."), "torch._utils._rebuild_tensor_v2")
        self.refused(self.zipped(b"\x80\x02ctorch\nFloatStorage\n)R."), "torch.FloatStorage")
        self.refused(self.zipped(b"\x80\x02}Q."), "persistent id")

    def test_damaged_pickles(self):
        for body in (b"", b"\x80\x02", b"\x80\x02}q", b"\x80\x02.", b"\x80\x02t.", b"\x80\x02h\x05.", b"\x80\x02]K\x01K\x02s.",
                     b"\x80\x02X\xff\xff\xff\xff.", b"\x80\x02" + b"(" * 100 + b"."):
            self.refused(self.zipped(body), "made.ckpt")

    def test_every_cut_of_the_true_pickle_is_refused(self):
        with zipfile.ZipFile(self.checkpoint) as archive:
            name = next(x for x in archive.namelist() if x.endswith("/data.pkl"))
            size = len(archive.read(name))
        for length in range(1, size, size // 12):
            self.refused(self.changed(lambda data, length=length: data[:length]))


class Containers(ConvertTest):
    def test_what_is_no_checkpoint_says_so(self):
        for name, content, words in (("text.ckpt", b"hello", "neither"), ("old.bin", pickle.dumps({"a": 1}), "neither"),
                                     ("empty.ckpt", b"", "neither"), ("cut.ckpt", self.checkpoint.read_bytes()[:5000], "no zip"),
                                     ("gguf.bin", b"GGUF" + b"\xff" * 64, "GGUF")):
            path = self.folder / name
            path.write_bytes(content)
            self.refused(path, words)
        self.refused(self.folder / "absent.ckpt", "absent.ckpt", code=66)

    def test_a_zip_that_torch_does_not_write(self):
        path = self.folder / "packed.ckpt"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02}." + b"\0" * 10_000_000)
        self.refused(path, "compressed")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
            archive.writestr("other/data.pkl", pickle.dumps({}, 2))
        self.refused(path, "2 entries")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({}, 2))
            archive.writestr("archive/byteorder", b"big")
        self.refused(path, "byte order")

    def test_tensors_that_leave_their_storage(self):
        sys.path.insert(0, str(harness.settings.source / "tools"))
        import torch_zip
        archive = torch_zip.TorchZip(self.zipped(pickle.dumps({}, 2), **{"0": bytes(range(24))}))
        storage = torch_zip.Storage("F32", 4, "0", 6)
        whole = archive.read("x", torch_zip.Tensor(storage, 0, (2, 3), (3, 1)))
        self.assertEqual(whole, bytes(range(24)))
        self.assertEqual(archive.read("x", torch_zip.Tensor(storage, 4, (2,), (1,))), bytes(range(16, 24)))
        for offset, shape, stride in ((0, (7,), (1,)), (1, (2, 3), (3, 1)), (0, (2, 3), (4, 1)), (6, (1,), (1,)), (0, (1 << 39, 1 << 39), (1, 1)),
                                      (0, (1 << 20, 1 << 20), (0, 0))):
            with self.assertRaisesRegex(torch_zip.Refused, "leaves its storage"):
                archive.read("x", torch_zip.Tensor(storage, offset, shape, stride))
        for other in (torch_zip.Storage("F32", 4, "0", 7), torch_zip.Storage("F32", 4, "1", 6), torch_zip.Storage("F64", 8, "0", 6)):
            with self.assertRaisesRegex(torch_zip.Refused, "missing or of another size"):
                archive.read("x", torch_zip.Tensor(other, 0, (1,), (1,)))

    def test_tensors_that_are_missing_are_named(self):
        self.refused(self.zipped(pickle.dumps({"state_dict": {}}, 2)), "model.encoder")
        self.refused(self.zipped(pickle.dumps([1, 2], 2)), "no state_dict")
        self.refused(self.changed(lambda data: data.replace(b"memory_mean", b"memory_meen")), "model.memory.memory_mean", "missing")

    def test_an_existing_folder_stays_as_it_is(self):
        self.out.mkdir()
        (self.out / "mine").write_text("mine")
        result = self.convert(self.checkpoint)
        self.assertEqual(result.code, 73, result.err)
        self.assertEqual([path.name for path in self.out.iterdir()], ["mine"])

    def test_heads_and_tokenizers_are_needed(self):
        result = self.run_program("convert", self.checkpoint, self.out, "--encoder-tokenizer", self.data / "bert", "--decoder-tokenizer",
                                  self.data / "gpt2")
        self.assertEqual(result.code, 65, result.err)
        self.assertIn("heads", result.err)
        result = self.run_program("convert", self.checkpoint, self.out)
        self.assertEqual(result.code, 2, result.err)
        self.assertIn("--encoder-tokenizer", result.err)
        result = self.run_program("convert", self.checkpoint, self.out, "--encoder-tokenizer", self.folder, "--decoder-tokenizer",
                                  self.data / "gpt2", "--encoder-heads", 3, "--decoder-heads", 2)
        self.assertEqual(result.code, 66, result.err)
        self.assertIn("tokenizer", result.err)


class Converted(ConvertTest):
    def test_the_folder_holds_the_checkpoint(self):
        result = self.convert(self.checkpoint)
        self.assertEqual(result.code, 0, result.err)
        data = (self.out / "model.safetensors").read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        header.pop("__metadata__")
        self.assertFalse([name for name in header if name.endswith(("position_ids", ".attn.bias", "masked_bias", "lm_head.weight"))])
        self.assertEqual(header["encoder.linear.weight"]["shape"], [48, 48])
        with zipfile.ZipFile(self.checkpoint) as archive:
            storages = {archive.read(name) for name in archive.namelist() if "/data/" in name}
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            self.assertIn(data[8 + length + begin:8 + length + end], storages, name)
        config = json.loads((self.out / "config.json").read_text())
        self.assertEqual((config["code_size"], config["encoder"]["num_attention_heads"], config["decoder"]["n_layer"]), (24, 3, 3))

    def test_two_conversions_are_equal(self):
        self.assertEqual(self.convert(self.checkpoint).code, 0)
        first = {path.relative_to(self.out): path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        self.out.rename(self.folder / "first")
        self.assertEqual(self.convert(self.checkpoint).code, 0)
        self.assertEqual(first, {path.relative_to(self.out): path.read_bytes() for path in self.out.rglob("*") if path.is_file()})


# Run by the Python that has numpy and gguf: a Llama of one layer as GGUF stores it, rotary halves of q and k interleaved.
WRITE_GGUF = """
import sys, numpy, gguf
hidden, heads, kv_heads, inner, words = 32, 4, 2, 64, 8
random = numpy.random.default_rng(5)
def interleaved(rows, count):
    return rows.reshape(count, 2, rows.shape[0] // count // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
writer = gguf.GGUFWriter(sys.argv[1], sys.argv[3])
writer.add_block_count(1); writer.add_context_length(64); writer.add_embedding_length(hidden); writer.add_feed_forward_length(inner)
writer.add_head_count(heads); writer.add_head_count_kv(kv_heads); writer.add_layer_norm_rms_eps(1e-5); writer.add_rope_freq_base(10000.0)
writer.add_tokenizer_model("gpt2"); writer.add_tokenizer_pre("smollm"); writer.add_token_list(["<s>", "a", "b", "c", "ab", "d", "e", "f"])
writer.add_token_types([3, 1, 1, 1, 1, 1, 1, 1]); writer.add_token_merges(["a b"]); writer.add_bos_token_id(0); writer.add_eos_token_id(0)
q, k = (random.standard_normal((n * 8, hidden)).astype("float32") for n in (heads, kv_heads))
down = random.standard_normal((hidden, inner)).astype("float32")
writer.add_tensor("blk.0.attn_q.weight", interleaved(q, heads)); writer.add_tensor("blk.0.attn_k.weight", interleaved(k, kv_heads))
quantized = gguf.quants.quantize(down, gguf.GGMLQuantizationType.Q8_0)
writer.add_tensor("blk.0.ffn_down.weight", quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
for name, shape in (("token_embd", (words, hidden)), ("output_norm", (hidden,)), ("blk.0.attn_norm", (hidden,)), ("blk.0.ffn_norm", (hidden,)),
                    ("blk.0.attn_v", (kv_heads * 8, hidden)), ("blk.0.attn_output", (hidden, hidden)), ("blk.0.ffn_gate", (inner, hidden)),
                    ("blk.0.ffn_up", (inner, hidden))):
    writer.add_tensor(name + ".weight", random.standard_normal(shape).astype("float32"))
writer.write_header_to_file(); writer.write_kv_data_to_file(); writer.write_tensors_to_file(); writer.close()
numpy.concatenate([q, k, gguf.quants.dequantize(quantized, gguf.GGMLQuantizationType.Q8_0).reshape(inner, hidden)]).tofile(sys.argv[2])
"""


class Gguf(ConvertTest):
    def write_gguf(self, architecture="llama"):
        path, expected = self.folder / "tiny.gguf", self.folder / "expected.bin"
        deps = os.environ.get("LARIMAR_DEPS", str(harness.settings.source / ".deps"))
        done = subprocess.run(["/usr/bin/python3", "-c", WRITE_GGUF, path, expected, architecture], capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": f"{deps}/python"}, check=False)
        if done.returncode != 0:
            harness.skip_loudly(f"no GGUF can be written here: {done.stderr[-300:]}")
        return path, expected.read_bytes()

    def test_rotary_halves_come_apart_and_small_types_become_floats(self):
        path, expected = self.write_gguf()
        result = self.run_program("convert", path, self.out)
        self.assertEqual(result.code, 0, result.err)
        found = tensors.read(self.out / "model.safetensors")
        layer = "model.layers.0."
        names = (layer + "self_attn.q_proj.weight", layer + "self_attn.k_proj.weight", layer + "mlp.down_proj.weight")
        self.assertEqual(b"".join(found[name].values.tobytes() for name in names), expected)
        self.assertEqual(found[names[2]].shape, [32, 64])
        config = json.loads((self.out / "config.json").read_text())
        self.assertEqual((config["num_key_value_heads"], config["tie_word_embeddings"], config["vocab_size"]), (2, True, 8))

    def test_another_family_is_named(self):
        path, _ = self.write_gguf("falcon")
        self.refused(path, "falcon", "Llama")

    def test_cut_files_are_refused(self):
        path, _ = self.write_gguf()
        whole = path.read_bytes()
        for length in (8, 40, 400, len(whole) // 2, len(whole) - 4):
            path.write_bytes(whole[:length])
            self.refused(path, "tiny.gguf")


if __name__ == "__main__":
    harness.main()
