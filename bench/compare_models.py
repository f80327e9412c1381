#!/usr/bin/env python3
"""A model folder in this project and in Hugging Face transformers, one after the other on the same token ids: largest
difference of the logits, whether the greedy answers agree, tokens per second and peak memory. One thread, float32.

usage: compare_models.py FOLDER PROGRAM [--text FILE] [--prefill 1024 4096] [--repeat 3] [--json OUT]

FOLDER has config.json, model.safetensors and tokenizer.json (without the last, or without --text, random token ids
are used); PROGRAM is build/release/bench/bench_model_speed. Needs a Python with torch, transformers and safetensors:
    python3 -m venv venv && venv/bin/pip install torch==2.11.0 transformers==4.57.6 safetensors
    venv/bin/python bench/compare_models.py FOLDER build/release/bench/bench_model_speed --text book.txt
Each side is a process of its own, so that peaks do not mix. Exit code 1 if the logits differ by more than --tolerance or
the greedy answers differ.
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


def read_tokens(folder, text, count):
    if text and (folder / "tokenizer.json").exists():
        import tokenizers
        reader = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        ids = reader.encode(pathlib.Path(text).read_text(encoding="utf-8")[: 40 * count], add_special_tokens=False).ids
        if len(ids) >= count:
            return ids[:count]
        sys.exit(f"{text} has only {len(ids)} tokens, {count} are needed")
    import random
    vocabulary = json.loads((folder / "config.json").read_text())["vocab_size"]
    return [random.Random(1).randrange(3, vocabulary) for _ in range(count)]


def run_reference(folder, request_file):
    """The other side, in its own process; prints the same JSON as the program."""
    import torch
    import transformers
    from safetensors.torch import save_file
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    request = json.loads(pathlib.Path(request_file).read_text())
    start = time.perf_counter()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    result = {"load_s": time.perf_counter() - start}
    ids = torch.tensor([request["tokens"]])
    prompt = ids[:, : request["logits_of"]]
    save_file({"logits": model(prompt).logits[0].contiguous()}, request["logits_file"])

    def decode(count):
        output = model(prompt, use_cache=True, logits_to_keep=1)
        begin = time.perf_counter()
        answer = [output.logits[0, -1].argmax().item()]
        while len(answer) < count:
            output = model(torch.tensor([[answer[-1]]]), past_key_values=output.past_key_values, use_cache=True)
            answer.append(output.logits[0, -1].argmax().item())
        return answer, (count - 1) / (time.perf_counter() - begin)

    result["greedy"] = decode(request["greedy"])[0]
    result["decode_tokens_per_s"] = max(decode(request["decode"])[1] for _ in range(request["repeat"]))
    result["prefill_tokens_per_s"] = {}
    for length in request["prefill"]:
        best = 1e9
        for _ in range(request["repeat"]):
            begin = time.perf_counter()
            model(ids[:, :length], use_cache=True, logits_to_keep=1)
            best = min(best, time.perf_counter() - begin)
        result["prefill_tokens_per_s"][str(length)] = length / best
    result["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result["torch"], result["transformers"] = torch.__version__, transformers.__version__
    print(json.dumps(result))


def run(command):
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout)


def compare(options, folder, scratch):
    request = {"logits_of": options.logits_of, "greedy": 64, "decode": 64, "repeat": options.repeat,
               "prefill": options.prefill}
    request["tokens"] = read_tokens(folder, options.text, max([options.logits_of, *options.prefill]))
    sides = {}
    for name, command in (("ours", [options.program, str(folder)]),
                          ("reference", [sys.executable, __file__, "--as-reference", str(folder)])):
        request["logits_file"] = str(scratch / f"{name}.safetensors")
        (scratch / "request.json").write_text(json.dumps(request))
        sides[name] = run([*command, str(scratch / "request.json")])
    from safetensors.numpy import load_file
    ours, theirs = (load_file(scratch / f"{name}.safetensors")["logits"] for name in ("ours", "reference"))
    return {"largest_difference_of_logits": float(abs(ours - theirs).max()),
            "largest_logit": float(abs(theirs).max()),
            "same_greedy_answer": sides["ours"]["greedy"] == sides["reference"]["greedy"], **sides}


def main():
    if sys.argv[1:2] == ["--as-reference"]:
        return run_reference(*sys.argv[2:4])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("program")
    parser.add_argument("--text")
    parser.add_argument("--logits-of", type=int, default=300, help="tokens whose logits are compared")
    parser.add_argument("--prefill", type=int, nargs="*", default=[1024, 4096])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = compare(options, options.folder.resolve(), pathlib.Path(scratch))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    ours, theirs = result["ours"], result["reference"]
    print(f"largest difference of logits {result['largest_difference_of_logits']:.2e} "
          f"(largest logit {result['largest_logit']:.1f}); greedy answers "
          f"{'agree' if result['same_greedy_answer'] else 'DIFFER'}")
    rows = [(f"prefill of {n}, tokens/s", ours["prefill_tokens_per_s"][n], theirs["prefill_tokens_per_s"][n])
            for n in ours["prefill_tokens_per_s"]]
    rows += [("decode, tokens/s", ours["decode_tokens_per_s"], theirs["decode_tokens_per_s"]),
             ("load, s", ours["load_s"], theirs["load_s"]), ("peak, MiB", ours["peak_mib"], theirs["peak_mib"])]
    print(f"{'':26}{'ours':>10}{'reference':>11}{'ratio':>8}")
    for name, mine, other in rows:
        print(f"{name:26}{mine:10.1f}{other:11.1f}{mine / other:8.2f}")
    close = result["largest_difference_of_logits"] <= options.tolerance
    return 0 if close and result["same_greedy_answer"] else 1


if __name__ == "__main__":
    sys.exit(main())
