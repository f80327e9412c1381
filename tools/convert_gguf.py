#!/usr/bin/env python3
"""Turns a Llama-family GGUF file (F32, F16, BF16, Q8_0, Q4_0, Q4_1) into a Hugging Face folder with float32 weights.

usage: tools/convert_gguf.py MODEL.gguf OUT
Needs the packages gguf and numpy (launch/install.sh provides them). Writes config.json, model.safetensors, tokenizer.json and, where
the file has one, chat_template.txt. OUT appears complete or not at all; it must not exist yet.
exit codes: 0 written, 2 usage, 65 damaged or not supported, 66 no such file, 73 cannot write, 78 a package is missing
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from convert_larimar import converted  # noqa: E402
from safetensors_writer import write_safetensors  # noqa: E402
from torch_zip import Refused  # noqa: E402

TYPES = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1")
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
IGNORED = ("rope_freqs.weight",)


class Fields:
    """Metadata by key."""

    def __init__(self, reader, path):
        self.fields, self.path = reader.fields, path

    def get(self, key, usual=None):
        field = self.fields.get(key)
        if field is None:
            if usual is None:
                raise Refused(f"{self.path}: the metadata lack {key}")
            return usual
        return field.contents()


def hugging_face_name(name, path):
    stem, _, kind = name.rpartition(".")
    if kind == "weight" and stem in TOP:
        return f"{TOP[stem]}.weight"
    parts = stem.split(".")
    if kind == "weight" and len(parts) == 3 and parts[0] == "blk" and parts[1].isdigit() and parts[2] in LAYER:
        return f"model.layers.{parts[1]}.{LAYER[parts[2]]}.weight"
    raise Refused(f"{path}: the tensor \"{name}\" is not one of a Llama")


def unpermuted(weights, heads):
    """GGUF interleaves the two halves of each head's rows for its rotary embedding; Hugging Face has them one after the other."""
    rows, columns = weights.shape
    return weights.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def config_of(fields, tied):
    hidden, heads = fields.get("llama.embedding_length"), fields.get("llama.attention.head_count")
    return {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": len(fields.fields["tokenizer.ggml.tokens"].data),
            "hidden_size": hidden, "num_hidden_layers": fields.get("llama.block_count"), "num_attention_heads": heads,
            "num_key_value_heads": fields.get("llama.attention.head_count_kv", heads), "head_dim": hidden // heads,
            "intermediate_size": fields.get("llama.feed_forward_length"), "max_position_embeddings": fields.get("llama.context_length"),
            "rms_norm_eps": float(f"{fields.get('llama.attention.layer_norm_rms_epsilon'):.6g}"),
            "rope_theta": fields.get("llama.rope.freq_base", 10000.0), "rope_scaling": None, "hidden_act": "silu",
            "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": tied,
            "bos_token_id": fields.get("tokenizer.ggml.bos_token_id"), "eos_token_id": fields.get("tokenizer.ggml.eos_token_id")}


def tokenizer_of(fields):
    from gguf_tokenizer import tokenizer_json

    if fields.get("tokenizer.ggml.model") != "gpt2":
        raise Refused(f"{fields.path}: a tokenizer of the kind \"{fields.get('tokenizer.ggml.model')}\"; only byte-level BPE (gpt2) is known")
    return tokenizer_json(fields.get("tokenizer.ggml.tokens"), fields.get("tokenizer.ggml.token_type"),
                          fields.get("tokenizer.ggml.merges"), fields.get("tokenizer.ggml.pre"))


def weights_of(reader, config, path):
    """{name: (dtype, shape)}, and a function that gives the float32 bytes of one tensor."""
    from gguf.quants import dequantize

    tensors = {}
    for tensor in reader.tensors:
        if tensor.name in IGNORED:
            continue
        if tensor.tensor_type.name not in TYPES:
            raise Refused(f"{path}: \"{tensor.name}\" is stored as {tensor.tensor_type.name}; known are {', '.join(TYPES)}")
        tensors[hugging_face_name(tensor.name, path)] = tensor
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}

    def read(name):
        values = dequantize(tensors[name].data, tensors[name].tensor_type).astype("float32").reshape(shapes[name][1])
        part = name.split(".")[-2]
        return (unpermuted(values, heads[part]) if part in heads else values).tobytes()

    shapes = {name: ("F32", [int(extent) for extent in reversed(tensor.shape)]) for name, tensor in tensors.items()}
    return shapes, read


def write_folder(source, out):
    from gguf import GGUFReader

    try:
        reader = GGUFReader(source)
    except (ValueError, KeyError, IndexError, OverflowError, MemoryError, TypeError) as error:
        raise Refused(f"{source} is no GGUF file, or a damaged one: {error}") from None
    fields = Fields(reader, source)
    if fields.get("general.architecture") != "llama":
        raise Refused(f"{source} holds a \"{fields.get('general.architecture')}\"; only the Llama family is known")
    tied = not any(tensor.name == "output.weight" for tensor in reader.tensors)
    config = config_of(fields, tied)
    shapes, read = weights_of(reader, config, source)
    write_safetensors(out / "model.safetensors", shapes, read, {"format": "pt"})
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "tokenizer.json").write_text(json.dumps(tokenizer_of(fields), ensure_ascii=False) + "\n")
    if "tokenizer.chat_template" in fields.fields:
        (out / "chat_template.txt").write_text(fields.get("tokenizer.chat_template"))
    return len(shapes)


def main(arguments):
    if len(arguments) != 2 or arguments[0] in ("-h", "--help"):
        print(__doc__, end="", file=sys.stdout if arguments[:1] in (["-h"], ["--help"]) else sys.stderr)
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    source, out = map(pathlib.Path, arguments)
    if not source.is_file():
        print(f"larimar convert: no file {source}", file=sys.stderr)
        return 66
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        print(f"larimar convert: {error}; run launch/install.sh, or put the packages gguf and numpy on PYTHONPATH", file=sys.stderr)
        return 78
    return converted(out, lambda staging: f"{out}: {write_folder(source, staging)} tensors")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
