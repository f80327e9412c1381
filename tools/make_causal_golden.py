#!/usr/bin/env python3
"""Small random causal language models and what Hugging Face transformers computes with them: tests/data/models/.

usage: make_causal_golden.py [--out tests/data/models]

Each folder holds config.json and weights as save_pretrained writes them, and golden.safetensors:
  tokens [T], logits [T, V], hidden [T, H]   one text through the whole network, last hidden states after the final norm
  prompts [4, P], lengths [4]                texts of different lengths, padded on the left
  batch_logits [4, V]                        after the last token of each, computed in one padded batch
  greedy [4, 64]                             each text's greedy continuation, alone
  beam [4, 24], beam_lengths [4], stop [1]   beam search of width 4 with a stop token, cut before it
  scores [4]                                 mean log probability of the first 7 greedy tokens
injected_gpt2/ is a GPT-2 with Larimar's injection, computed by the reference below.
Made with torch 2.11.0, transformers 4.57.6 and safetensors 0.8; seeds below. Weights are scaled up until continuations
vary; a seed whose greedy choice is a near tie is refused, for rounding would decide it.
"""
import argparse
import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

VOCABULARY = 199
FACTORS = [1.0 + 0.4 * i for i in range(4)], [2.0 + 1.5 * i for i in range(4)]


def configs():
    common = {"vocab_size": VOCABULARY, "num_hidden_layers": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    llama = dict(common, hidden_size=48, intermediate_size=80, num_attention_heads=6, num_key_value_heads=2)
    phi = dict(common, hidden_size=32, intermediate_size=56, num_attention_heads=4, num_key_value_heads=2,
               original_max_position_embeddings=32, max_position_embeddings=160,
               rope_scaling={"type": "longrope", "short_factor": FACTORS[0], "long_factor": FACTORS[1]})
    return {
        "gpt2": transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=128, n_embd=32, n_layer=3, n_head=4,
                                        bos_token_id=1, eos_token_id=2),
        "llama_tied": transformers.LlamaConfig(**llama, max_position_embeddings=128, tie_word_embeddings=True),
        "llama_sharded": transformers.LlamaConfig(
            **dict(llama, head_dim=12), max_position_embeddings=128, rope_theta=500.0,
            rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                          "original_max_position_embeddings": 64}),
        "mistral": transformers.MistralConfig(**llama, max_position_embeddings=128, sliding_window=11),
        "phi3": transformers.Phi3Config(**phi),
        "phi3_window": transformers.Phi3Config(
            **dict(phi, rope_scaling=None, original_max_position_embeddings=160, num_key_value_heads=4),
            partial_rotary_factor=0.5, sliding_window=9),
    }


def scramble(module, seed):
    """Weights large enough that each part leaves its mark; norms and biases away from 1 and 0."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            parameter.copy_(noise * 0.2 + (0.0 if name.endswith("bias") else 1.0))
        else:
            parameter.copy_(noise * 0.25)


def greedy(model, prompt, count):
    answer = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                            do_sample=False, max_new_tokens=count, min_new_tokens=count, eos_token_id=None,
                            pad_token_id=0, output_logits=True, return_dict_in_generate=True)
    for logits in answer.logits:
        best = logits[0].topk(2).values
        if best[0] - best[1] < 2e-3:
            raise ValueError("a near tie")
    return answer.sequences[0, len(prompt):].tolist()


def beam(model, prompt, stop):
    answer = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                            do_sample=False, num_beams=4, max_new_tokens=24, eos_token_id=stop, pad_token_id=0)
    tokens = answer[0, len(prompt):].tolist()
    return tokens[: tokens.index(stop)] if stop in tokens else tokens


def score(model, prompt, continuation):
    logits = model(torch.tensor([prompt + continuation])).logits[0, len(prompt) - 1:-1].log_softmax(-1)
    return logits[torch.arange(len(continuation)), torch.tensor(continuation)].mean().item()


def pad(rows, side, length):
    return torch.tensor([[0] * (length - len(row)) * (side == "left") + row + [0] * (length - len(row)) * (side != "left")
                         for row in rows])


def make(name, config, seed):
    model = getattr(transformers, config.__class__.__name__.replace("Config", "LMHeadModel" if name == "gpt2" else "ForCausalLM"))(config).eval()
    scramble(model, seed)
    if name == "mistral":
        for parameter in model.parameters():  # stored in bfloat16 without loss; buffers stay as they are
            parameter.copy_(parameter.to(torch.bfloat16))
    draw = torch.Generator().manual_seed(seed)
    text = torch.randint(3, VOCABULARY, (60,), generator=draw).tolist()
    lengths = [21, 5, 40, 32] if name == "phi3" else [21, 5, 13, 34]
    prompts = [torch.randint(3, VOCABULARY, (length,), generator=draw).tolist() for length in lengths]
    output = model(torch.tensor([text]), output_hidden_states=True)
    answers = [greedy(model, prompt, 64) for prompt in prompts]
    stop = answers[0][9]
    beams = [beam(model, prompt, stop) for prompt in prompts]
    if len({tuple(answer[:24]) for answer in answers}) < 4 or len(set(answers[0])) < 8 or not any(len(b) < 24 for b in beams):
        raise ValueError("dull answers")
    padded, mask = pad(prompts, "left", max(lengths)), pad([[1] * n for n in lengths], "left", max(lengths))
    logits = model(padded, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0)).logits[:, -1]
    golden = {"tokens": torch.tensor(text), "logits": output.logits[0], "hidden": output.hidden_states[-1][0],
              "prompts": padded, "lengths": torch.tensor(lengths), "batch_logits": logits,
              "greedy": torch.tensor(answers), "beam": pad(beams, "right", 24),
              "beam_lengths": torch.tensor([len(b) for b in beams]), "stop": torch.tensor([stop]),
              "scores": torch.tensor([score(model, p, a[:7]) for p, a in zip(prompts, answers)])}
    if name == "phi3":  # within the first training length
        short = model(torch.tensor([text[:24]]), output_hidden_states=True)
        golden.update(short_logits=short.logits[0], short_hidden=short.hidden_states[-1][0])
    return model, golden


class InjectedReference:
    """GPT-2 with a code: written out in plain operations on the weights of a transformers model."""

    def __init__(self, model, to_past, to_embedding):
        self.weights, self.config = dict(model.named_parameters()), model.config
        self.to_past, self.to_embedding = to_past, to_embedding

    def norm(self, x, name):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"], self.weights[name + ".bias"], 1e-5)

    def affine(self, x, name):
        return x @ self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def logits(self, code, tokens, use_past, use_embedding):
        heads, width, count = self.config.n_head, self.config.n_embd, len(tokens)
        first = 1 if use_past else 0
        split = lambda t: t.view(-1, heads, width // heads).transpose(0, 1)  # [heads, positions, size]
        pasts = (self.to_past @ code).split(width)
        x = self.weights["transformer.wte.weight"][tokens] + self.weights["transformer.wpe.weight"][first: first + count]
        if use_embedding:
            x = x + self.to_embedding @ code
        future = torch.ones(count, count + first).triu(1 + first).bool()
        for layer in range(self.config.n_layer):
            name = f"transformer.h.{layer}."
            query, key, value = (split(t) for t in self.affine(self.norm(x, name + "ln_1"), name + "attn.c_attn").split(width, -1))
            if use_past:
                past = split(pasts[layer])
                key, value = torch.cat([past, key], 1), torch.cat([past, value], 1)
            scores = (query @ key.transpose(1, 2) / (width // heads) ** 0.5).masked_fill(future, float("-inf"))
            mixed = (scores.softmax(-1) @ value).transpose(0, 1).reshape(count, width)
            x = x + self.affine(mixed, name + "attn.c_proj")
            inner = torch.nn.functional.gelu(self.affine(self.norm(x, name + "ln_2"), name + "mlp.c_fc"), approximate="tanh")
            x = x + self.affine(inner, name + "mlp.c_proj")
        return self.norm(x, "transformer.ln_f") @ self.weights["transformer.wte.weight"].T

    def decode(self, code, bos, eos, count):
        tokens = [bos]
        while len(tokens) <= count:
            best = self.logits(code, tokens, True, True)[-1].topk(2)
            if best.values[0] - best.values[1] < 2e-3:
                raise ValueError("a near tie")
            if best.indices[0].item() == eos:
                break
            tokens.append(best.indices[0].item())
        return tokens[1:]


def make_injected(folder, seed):
    codes_size, eos, bos = 24, 198, 197
    config = transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=64, n_embd=32, n_layer=3, n_head=4)
    model = transformers.GPT2LMHeadModel(config).eval()
    scramble(model, seed)
    draw = torch.Generator().manual_seed(seed)
    model.transformer.wte.weight[eos] *= 1.5  # some texts end early
    reference = InjectedReference(model, torch.randn(96, codes_size, generator=draw) * 0.3,
                                  torch.randn(32, codes_size, generator=draw) * 0.1)
    codes = torch.randn(5, codes_size, generator=draw)
    texts = torch.randint(3, 190, (5, 12), generator=draw)
    decoded = [reference.decode(code, bos, eos, 40) for code in codes]
    if len({tuple(row) for row in decoded}) < 5 or not any(0 < len(row) < 40 for row in decoded) or max(map(len, decoded)) < 40:
        raise ValueError("dull answers")
    folder.mkdir(parents=True, exist_ok=True)
    weights = {"decoder." + name: tensor for name, tensor in model.state_dict().items()}
    weights["decoder.lm_head.weight"] = weights["decoder.lm_head.weight"].clone()
    weights["decoder.transformer.linear.weight"] = reference.to_past
    weights["decoder.transformer.linear_emb.weight"] = reference.to_embedding
    for layer in range(3):  # buffers that checkpoints of old versions carry along
        weights[f"decoder.transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 64, 64).tril().bool()
        weights[f"decoder.transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(weights, folder / "model.safetensors")
    fields = dict(config.to_diff_dict(), latent_size=codes_size, latent_as_gpt_memory=True, latent_as_gpt_emb=True)
    (folder / "config.json").write_text(json.dumps(fields, indent=1, sort_keys=True) + "\n")
    ways = {"both": (True, True), "past": (True, False), "embedding": (False, True)}
    golden = {"logits_" + name: torch.stack([reference.logits(c, t.tolist(), *way) for c, t in zip(codes, texts)])
              for name, way in ways.items()}
    golden.update(codes=codes, texts=texts, special=torch.tensor([bos, eos]), decoded=pad(decoded, "right", 40),
                  decoded_lengths=torch.tensor([len(row) for row in decoded]))
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, folder / "golden.safetensors",
              metadata=versions(seed))


def versions(seed):
    return {"seed": str(seed), "torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}


def first_good(make_with_seed):
    for seed in range(1, 200):
        try:
            return seed, make_with_seed(seed)
        except ValueError:
            continue
    raise SystemExit("no seed gives answers without near ties")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent / "tests/data/models")
    out = parser.parse_args().out
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for name, config in configs().items():
        seed, (model, golden) = first_good(lambda seed: make(name, config, seed))
        folder = out / name
        stored = model.to(torch.bfloat16) if name == "mistral" else model
        stored.save_pretrained(folder, max_shard_size="60KB" if name == "llama_sharded" else "1GB")
        (folder / "generation_config.json").unlink()
        save_file({key: tensor.contiguous() for key, tensor in golden.items()}, folder / "golden.safetensors",
                  metadata=versions(seed))
        print(name, "seed", seed)
    print("injected_gpt2 seed", first_good(lambda seed: make_injected(out / "injected_gpt2", seed))[0])


if __name__ == "__main__":
    main()
