#!/usr/bin/env python3
"""Every family of models beside Hugging Face transformers, one thread, float32, in one run: the table of docs/models.md.

usage: compare_families.py OUT.json --programs build/release/bench --text book.txt --llama FOLDER --bert FOLDER [--only NAME ...]
Llama and BERT are real folders (SmolLM2-135M-Instruct, all-MiniLM-L6-v2). GPT-2, Mistral and Phi-3 are made here with random
weights, of GPT-2's smallest size or near it, with their window and their long positions in use. Needs torch, transformers and
safetensors, as compare_models.py says.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PREFILL, TEXTS, REPEAT, ROUNDS = 960, 1000, 2, 2  # the sides take turns, ROUNDS times; the best of each side counts


def configurations():
    import transformers as t
    common = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 2048, "vocab_size": 32000,
              "initializer_range": 0.05, "tie_word_embeddings": False}
    half = 32
    factors = {"type": "longrope", "short_factor": [1.0 + 0.01 * i for i in range(half)],
               "long_factor": [1.0 + 0.2 * i for i in range(half)]}
    return {
        "gpt2": t.GPT2Config(initializer_range=0.05),
        "mistral": t.MistralConfig(**common, num_key_value_heads=4, sliding_window=512, max_position_embeddings=8192),
        "phi3": t.Phi3Config(**common, num_key_value_heads=12, max_position_embeddings=8192, original_max_position_embeddings=512,
                             rope_scaling=factors, pad_token_id=0),
    }


def make_folder(name, config, scratch):
    import torch
    import transformers
    torch.manual_seed(7)
    folder = scratch / name
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1"))
    if done.returncode != 0:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def compare_causal(name, folder, options, scratch):
    out = scratch / f"{name}.json"
    text = ["--text", str(options.text)] if (folder / "tokenizer.json").exists() else []
    rounds = []
    for _ in range(ROUNDS):
        run([sys.executable, str(HERE / "compare_models.py"), str(folder), str(options.programs / "bench_model_speed"), *text, "--prefill",
             str(PREFILL), "--logits-of", "700", "--repeat", str(REPEAT), "--json", str(out)])
        rounds.append(json.loads(out.read_text()))

    def best(side, read):
        return max(read(found[side]) for found in rounds)

    row = {"family": name, "weights": "real" if name == "llama" else "random",
           "largest difference": max(found["largest_difference_of_logits"] for found in rounds),
           "largest logit": rounds[0]["largest_logit"], "greedy answers equal": all(found["same_greedy_answer"] for found in rounds)}
    for side, prefix in (("ours", ""), ("reference", "reference ")):
        row[f"{prefix}tokens/s"] = best(side, lambda found: found["prefill_tokens_per_s"][str(PREFILL)])
        row[f"{prefix}decode tokens/s"] = best(side, lambda found: found["decode_tokens_per_s"])
        row[f"{prefix}peak MiB"] = best(side, lambda found: found["peak_mib"])
    return row


def encode_reference(folder, request_file):
    """BERT, mean pooling, length 1, in transformers; sorted by length in batches of 32. In its own process."""
    import torch
    import transformers
    from safetensors.torch import save_file
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    request = json.loads(pathlib.Path(request_file).read_text())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    texts = request["texts"]

    def encode():
        ids = [tokenizer(text, truncation=True, max_length=256)["input_ids"] for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        keys = torch.empty(len(ids), model.config.hidden_size)
        for begin in range(0, len(order), 32):
            part = order[begin:begin + 32]
            batch = tokenizer.pad({"input_ids": [ids[i] for i in part]}, return_tensors="pt")
            mask = batch["attention_mask"].unsqueeze(-1).float()
            mean = (model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)
            keys[part] = torch.nn.functional.normalize(mean, dim=1)
        return keys, sum(map(len, ids))

    best = 1e9
    for _ in range(request["repeat"]):
        begin = time.perf_counter()
        keys, tokens = encode()
        best = min(best, time.perf_counter() - begin)
    save_file({"keys": keys}, request["keys_file"])
    print(json.dumps({"seconds": best, "tokens": tokens, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def compare_bert(folder, options, scratch):
    from safetensors.numpy import load_file
    texts = [line.strip() for line in options.text.read_text(encoding="utf-8").splitlines() if len(line) > 40][:TEXTS]
    sides, keys = {}, {}
    for name, command in (("ours", [str(options.programs / "bench_encoder_speed"), str(folder)]),
                          ("reference", [sys.executable, __file__, "--as-reference", str(folder)])):
        keys_file = scratch / f"{name}.safetensors"
        (scratch / "request.json").write_text(json.dumps({"texts": texts, "repeat": REPEAT, "keys_file": str(keys_file)}))
        sides[name] = json.loads(run([*command, str(scratch / "request.json")]))
        keys[name] = load_file(keys_file)["keys"]
    tokens = sides["reference"]["tokens"]
    return {"family": "bert", "weights": "real", "largest difference": float(abs(keys["ours"] - keys["reference"]).max()),
            "largest logit": float(abs(keys["reference"]).max()), "greedy answers equal": None,
            "tokens/s": tokens / sides["ours"]["seconds"], "reference tokens/s": tokens / sides["reference"]["seconds"],
            "decode tokens/s": None, "reference decode tokens/s": None, "peak MiB": sides["ours"]["peak_mib"],
            "reference peak MiB": sides["reference"]["peak_mib"]}


def main():
    if sys.argv[1:2] == ["--as-reference"]:
        return encode_reference(*sys.argv[2:4])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--text", type=pathlib.Path, required=True)
    parser.add_argument("--llama", type=pathlib.Path, required=True)
    parser.add_argument("--bert", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="*", default=["bert", "gpt2", "llama", "mistral", "phi3"])
    options = parser.parse_args()
    import torch
    import transformers
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        made = configurations()
        for name in options.only:
            if name == "bert":
                rows.append(compare_bert(options.bert, options, scratch))
            else:
                source = options.llama if name == "llama" else make_folder(name, made[name], scratch)
                rows.append(compare_causal(name, source, options, scratch))
            row = rows[-1]
            print(f"{name}: difference {row['largest difference']:.1e}, {row['tokens/s']:.0f} against {row['reference tokens/s']:.0f} "
                  "tokens/s", flush=True)
    record = {"made_by": "bench/compare_families.py", "torch": torch.__version__, "transformers": transformers.__version__,
              "load": os.getloadavg()[0], "prefill": PREFILL, "texts": TEXTS, "rows": rows}
    options.out.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
