#!/usr/bin/env python3
"""Writes a small random BERT and what transformers makes of padded sequences with it.

usage: tools/make_bert_golden.py tests/data/models/bert
Needs torch, transformers, safetensors; not needed by the tests themselves.
"""
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

SEED, LENGTHS = 20240712, (1, 3, 3, 8, 17, 40)  # ascending, as the network takes them


def main(out):
    torch.manual_seed(SEED)
    config = transformers.BertConfig(vocab_size=120, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=80,
                                     max_position_embeddings=40, initializer_range=0.2)
    model = transformers.BertModel(config).eval()
    model.save_pretrained(out)
    width = max(LENGTHS)
    tokens = torch.randint(0, 120, (len(LENGTHS), width))
    mask = torch.arange(width)[None] < torch.tensor(LENGTHS)[:, None]
    with torch.no_grad():
        result = model(input_ids=tokens * mask, attention_mask=mask.long())
    hidden = torch.cat([result.last_hidden_state[row, :length] for row, length in enumerate(LENGTHS)])
    save_file({"tokens": tokens, "lengths": torch.tensor(LENGTHS), "hidden": hidden.contiguous(), "pooled": result.pooler_output.contiguous()},
              out / "golden.safetensors", {"seed": str(SEED), "torch": torch.__version__, "transformers": transformers.__version__})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
