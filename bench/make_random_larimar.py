#!/usr/bin/env python3
"""A Larimar checkpoint of full size with random weights, to see that the real one will load, and what it will take.

usage: make_random_larimar.py base|large OUT.ckpt BERT_VOCABULARY_SIZE
base: BERT-base and GPT-2; large: BERT-large and GPT2-large, the sizes of Larimar-1.3B. Needs torch and transformers.
"""
import collections
import sys

import torch
import transformers

SIZES = {"base": ((768, 12), (768, 12)), "large": ((1024, 24), (1280, 36))}
CODE, SLOTS = 768, 512


def main(size, out, vocabulary):
    (bert_width, bert_layers), (gpt2_width, gpt2_layers) = SIZES[size]
    torch.manual_seed(3)
    bert = transformers.BertModel(transformers.BertConfig(
        vocab_size=int(vocabulary), hidden_size=bert_width, num_hidden_layers=bert_layers, num_attention_heads=bert_width // 64,
        intermediate_size=4 * bert_width))
    bert.linear = torch.nn.Linear(bert_width, 2 * CODE, bias=False)
    gpt2 = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=50260, n_embd=gpt2_width, n_layer=gpt2_layers, n_head=gpt2_width // 64))
    gpt2.transformer.linear = torch.nn.Linear(CODE, gpt2_layers * gpt2_width, bias=False)
    gpt2.transformer.linear_emb = torch.nn.Linear(CODE, gpt2_width, bias=False)
    state = collections.OrderedDict()
    for part, module in (("encoder", bert), ("decoder", gpt2)):
        for name, value in module.state_dict().items():
            state[f"model.{part}.{name}"] = value
    state["model.memory.memory_mean"] = torch.randn(SLOTS, CODE)
    torch.save({"state_dict": state, "epoch": 0}, out)
    print(sum(value.numel() for value in state.values()) / 1e9, "billion numbers, the tied head counted twice")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in SIZES:
        sys.exit(__doc__)
    main(*sys.argv[1:])
