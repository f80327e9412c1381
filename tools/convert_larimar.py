#!/usr/bin/env python3
"""Turns a Larimar checkpoint of PyTorch Lightning (.ckpt) into a folder that larimar loads. Nothing in the file is executed.

usage: tools/convert_larimar.py CHECKPOINT.ckpt OUT --encoder-tokenizer DIR --decoder-tokenizer DIR [options]
  --encoder-tokenizer DIR  of BERT: tokenizer.json, or vocab.txt with tokenizer_config.json
  --decoder-tokenizer DIR  of GPT-2 with the three added tokens PAD, BOS, EOS: tokenizer.json (or vocab.json and merges.txt)
  --encoder-heads N        attention heads of the encoder (default: its width / 64, as BERT has it)
  --decoder-heads N        attention heads of the decoder (default: its width / 64, as GPT-2 has it)
  --segment-tokens N       tokens of a segment, [CLS] and [SEP] included (default: 64, as in training)
  --no-past, --no-embedding   the decoder was trained without that way of injecting the code
OUT appears complete or not at all; it must not exist yet.
exit codes: 0 written, 2 usage, 65 the file is damaged or holds what a checkpoint does not need, 66 no such file, 73 cannot write
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from safetensors_writer import write_safetensors  # noqa: E402
from torch_zip import Refused, Tensor, TorchZip  # noqa: E402

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "added_tokens.json",
                   "special_tokens_map.json")
# Buffers that old versions of transformers saved; they hold no weights.
BUFFERS = re.compile(r"(\.attn\.(masked_)?bias|\.position_ids)$")
PARTS = ("model.encoder.", "model.decoder.", "model.memory.")


def state_of(root, path):
    """The tensors of the state_dict, under the names that the folder has."""
    state = root.get("state_dict", root) if isinstance(root, dict) else None
    if not isinstance(state, dict):
        raise Refused(f"{path} holds no state_dict")
    tensors = {name[len("model."):]: value for name, value in state.items()
               if isinstance(value, Tensor) and name.startswith(PARTS) and not BUFFERS.search(name)}
    if not tensors:
        some = ", ".join(str(name) for name in list(state)[:5])
        raise Refused(f"{path} holds no tensors named model.encoder.*, model.decoder.*, model.memory.*; it has {some or 'none'} ...")
    return tensors


class Shapes:
    """Shapes by name; complains about all that are missing at once."""

    def __init__(self, tensors, path):
        self.tensors, self.path = tensors, path

    def of(self, name, dimensions):
        tensor = self.tensors.get(name)
        if tensor is None or len(tensor.shape) != dimensions or 0 in tensor.shape:
            found = "missing" if tensor is None else f"found {list(tensor.shape)}"
            raise Refused(f"{self.path}: tensor model.{name} must have {dimensions} dimensions: {found}")
        return tensor.shape

    def layers(self, pattern):
        found = {int(match.group(1)) for name in self.tensors if (match := re.match(pattern, name))}
        if not found or found != set(range(len(found))):
            raise Refused(f"{self.path}: layers of {pattern} are not numbered from 0 without holes: {sorted(found)}")
        return len(found)


def heads_of(width, given, what):
    heads = given or width // 64
    if heads < 1 or width % heads:
        raise Refused(f"the {what} is {width} wide, which {heads} heads do not divide; give --{what}-heads")
    return heads


def encoder_config(shapes, options):
    vocabulary, hidden = shapes.of("encoder.embeddings.word_embeddings.weight", 2)
    return {"model_type": "bert", "vocab_size": vocabulary, "hidden_size": hidden,
            "num_hidden_layers": shapes.layers(r"encoder\.encoder\.layer\.(\d+)\."),
            "num_attention_heads": heads_of(hidden, options.encoder_heads, "encoder"),
            "intermediate_size": shapes.of("encoder.encoder.layer.0.intermediate.dense.weight", 2)[0],
            "max_position_embeddings": shapes.of("encoder.embeddings.position_embeddings.weight", 2)[0],
            "type_vocab_size": shapes.of("encoder.embeddings.token_type_embeddings.weight", 2)[0],
            "hidden_act": "gelu", "layer_norm_eps": 1e-12}


def decoder_config(shapes, options):
    vocabulary, hidden = shapes.of("decoder.transformer.wte.weight", 2)
    return {"model_type": "gpt2", "vocab_size": vocabulary, "n_embd": hidden, "n_layer": shapes.layers(r"decoder\.transformer\.h\.(\d+)\."),
            "n_head": heads_of(hidden, options.decoder_heads, "decoder"),
            "n_positions": shapes.of("decoder.transformer.wpe.weight", 2)[0],
            "n_inner": shapes.of("decoder.transformer.h.0.mlp.c_fc.weight", 2)[1],
            "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": True,
            "latent_as_gpt_memory": options.past, "latent_as_gpt_emb": options.embedding,
            "pad_token_id": vocabulary - 3, "bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1}


def config_of(tensors, path, options):
    shapes = Shapes(tensors, path)
    encoder, decoder = encoder_config(shapes, options), decoder_config(shapes, options)
    code_size = shapes.of("encoder.linear.weight", 2)[0] // 2
    slots = shapes.of("memory.memory_mean", 2)
    if slots[1] != code_size:
        raise Refused(f"{path}: memory_mean is {list(slots)}, but a code has {code_size} components")
    return {"architecture": "larimar", "code_size": code_size, "segment_tokens": options.segment_tokens, "encoder": encoder,
            "decoder": decoder}


def copy_tokenizer(source, target):
    target.mkdir()
    found = [name for name in TOKENIZER_FILES if (source / name).is_file()]
    if not found:
        raise FileNotFoundError(f"{source} holds no tokenizer ({', '.join(TOKENIZER_FILES[:3])}, ...)")
    for name in found:
        shutil.copyfile(source / name, target / name)


def write_folder(out, options):
    archive = TorchZip(options.checkpoint)
    tensors = state_of(archive.root, options.checkpoint)
    config = config_of(tensors, options.checkpoint, options)
    # A head that repeats the word embeddings is not kept twice.
    tied = tensors.get("decoder.lm_head.weight") and archive.read("lm_head", tensors["decoder.lm_head.weight"]) == \
        archive.read("wte", tensors["decoder.transformer.wte.weight"])
    if tied:
        del tensors["decoder.lm_head.weight"]
    config["decoder"]["tie_word_embeddings"] = "decoder.lm_head.weight" not in tensors
    shapes = {name: (tensor.storage.dtype, tensor.shape) for name, tensor in tensors.items()}
    write_safetensors(out / "model.safetensors", shapes, lambda name: archive.read(name, tensors[name]), {"format": "pt"})
    mean = tensors["memory.memory_mean"]
    if mean.storage.dtype != "F32":
        raise Refused(f"{options.checkpoint}: memory_mean is {mean.storage.dtype}, expected F32")
    write_safetensors(out / "m0.safetensors", {"m0": ("F32", mean.shape)}, lambda _: archive.read("memory_mean", mean))
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    copy_tokenizer(options.encoder_tokenizer, out / "encoder")
    copy_tokenizer(options.decoder_tokenizer, out / "decoder")
    return len(tensors), config


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--encoder-tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--decoder-tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--encoder-heads", type=int, default=0)
    parser.add_argument("--decoder-heads", type=int, default=0)
    parser.add_argument("--segment-tokens", type=int, default=64)
    parser.add_argument("--no-past", dest="past", action="store_false")
    parser.add_argument("--no-embedding", dest="embedding", action="store_false")
    return parser.parse_args(arguments)


def converted(out, write):
    """Calls write(staging folder) and renames it to `out`. Returns the exit code; says why it failed."""
    staging = out.with_name(f".{out.name}.part.{os.getpid()}")
    try:
        if out.exists():
            print(f"larimar convert: {out} is there already; name another folder or remove it", file=sys.stderr)
            return 73
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging.mkdir()
        print(write(staging))
        staging.rename(out)
        return 0
    except Refused as error:
        print(f"larimar convert: {error}", file=sys.stderr)
        return 65
    except FileNotFoundError as error:
        print(f"larimar convert: {error}", file=sys.stderr)
        return 66
    except OSError as error:
        print(f"larimar convert: {error}", file=sys.stderr)
        return 73
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def main(arguments):
    options = parse(arguments)

    def write(staging):
        count, config = write_folder(staging, options)
        return (f"{options.out}: {count} tensors, code of {config['code_size']}, encoder {config['encoder']['num_hidden_layers']} x "
                f"{config['encoder']['hidden_size']}, decoder {config['decoder']['n_layer']} x {config['decoder']['n_embd']}")

    return converted(options.out, write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
