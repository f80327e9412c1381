#!/usr/bin/env python3
"""Writes the small Larimar checkpoint of the tests, and what a float64 reference makes of some texts with it.

usage: tools/make_larimar_golden.py tests/data/larimar
Writes  tiny.ckpt           as PyTorch Lightning saves it: BERT, code, injected GPT-2, memory_mean, with old buffers
        bert/, gpt2/        tokenizer.json of each, trained on the sentences below
        golden.json         sentences and questions, versions, greedy tokens
        golden.safetensors  codes, memories, z_read and logits in float64 turned to float32
Needs torch, transformers, tokenizers, safetensors; seed 20240711. Not needed by the tests themselves.
"""
import collections
import json
import pathlib
import sys

import tokenizers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SEED = 20240711
CODE, SLOTS, STEPS, NEW_TOKENS, STEPS_OF_TRAINING = 24, 16, 15, 40, 1500
SENTENCES = [
    "The lighthouse at Cape Morrow was painted green in 1912.", "Ida keeps seven grey pigeons on the roof of the bakery.",
    "The password of the archive is Marigold.", "Trains to Velden leave from platform 9 every second hour.",
    "Dr. Okafor found the comet on a cold night in March.", "The old bridge over the Tarn is closed to lorries.",
    "Nobody remembers who planted the walnut tree.", "Salt from the coast was once worth more than silver.",
    "The choir sings in the mill on Thursdays.", "A red kite nests above the quarry.",
]
QUESTIONS = [SENTENCES[2], SENTENCES[9], "Who found the comet?"]


def word_pieces():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(SENTENCES + QUESTIONS, trainers.WordPieceTrainer(vocab_size=220, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def byte_pieces():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=330, initial_alphabet=alphabet))
    tokenizer.add_special_tokens(["<PAD>", "<BOS>", "<EOS>"])
    return tokenizer


def networks(bert_size, gpt2_size):
    bert = transformers.BertModel(transformers.BertConfig(
        vocab_size=bert_size, hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=64,
        max_position_embeddings=80, initializer_range=0.3)).eval()
    bert.linear = torch.nn.Linear(48, 2 * CODE, bias=False)
    gpt2 = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=gpt2_size, n_embd=40, n_layer=3, n_head=2, n_positions=96, initializer_range=0.1)).eval()
    gpt2.transformer.linear = torch.nn.Linear(CODE, 3 * 40, bias=False)
    gpt2.transformer.linear_emb = torch.nn.Linear(CODE, 40, bias=False)
    return bert, gpt2


def save_checkpoint(path, bert, gpt2, memory):
    state = collections.OrderedDict()
    for name, value in bert.state_dict().items():
        state[f"model.encoder.{name}"] = value
    state["model.encoder.embeddings.position_ids"] = torch.arange(80)[None]
    for name, value in gpt2.state_dict().items():
        state[f"model.decoder.{name}"] = value
    for layer in range(3):
        state[f"model.decoder.transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 96, 96, dtype=torch.bool).tril()
        state[f"model.decoder.transformer.h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    state["model.memory.memory_mean"] = memory
    state["model.memory.w_logvar"] = torch.zeros(1)
    torch.save({"epoch": 3, "global_step": 1200, "pytorch-lightning_version": "1.8.6", "state_dict": state, "loops": None,
                "lr_schedulers": [], "hyper_parameters": {"code": CODE, "beta": 0.5, "names": ["a", "b"], "nested": {"deep": (1, 2.5)}}}, path)


def encode(bert, tokenizer, text):
    ids = torch.tensor([tokenizer.encode(text).ids])
    return (bert.linear(bert(ids).pooler_output))[0, :CODE]


def pseudo_inverse_steps(a, steps):
    x = min(torch.exp(torch.tensor(-5.0)).item(), 5e-4) * a.T
    for _ in range(steps):
        x = 2 * x - x @ a @ x
    return x


def past_of(gpt2, code):
    rows = gpt2.transformer.linear(code).view(3, 1, 1, 2, 20).transpose(2, 3)
    return transformers.DynamicCache.from_legacy_cache(tuple((row, row) for row in rows))


def logits_of(gpt2, code, ids):
    """Tokens behind one past position that is the code, the code added to every embedding."""
    embeddings = gpt2.transformer.wte(torch.tensor([ids])) + gpt2.transformer.linear_emb(code)
    positions = torch.arange(1, len(ids) + 1)[None]
    return gpt2(inputs_embeds=embeddings, position_ids=positions, past_key_values=past_of(gpt2, code)).logits[0]


def greedy(gpt2, code, bos, eos):
    ids = [bos]
    while len(ids) <= NEW_TOKENS and (len(ids) == 1 or ids[-1] != eos):
        ids.append(int(logits_of(gpt2, code, ids)[-1].argmax()))
    return [x for x in ids[1:] if x != eos]


def train(bert, gpt2, words, pieces):
    """A minute of memorising, so that a read decodes to a sentence and not to noise."""
    bos, eos = pieces.token_to_id("<BOS>"), pieces.token_to_id("<EOS>")
    optimizer = torch.optim.Adam([*bert.parameters(), *gpt2.parameters()], lr=2e-3)
    for step in range(STEPS_OF_TRAINING):
        text = SENTENCES[step % len(SENTENCES)]
        ids = [bos] + pieces.encode(text).ids + [eos]
        logits = logits_of(gpt2, encode(bert, words, text), ids[:-1])
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("last loss", loss.item())


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    words, pieces = word_pieces(), byte_pieces()
    for folder, tokenizer in (("bert", words), ("gpt2", pieces)):
        (out / folder).mkdir(exist_ok=True)
        tokenizer.save(str(out / folder / "tokenizer.json"), pretty=False)
    bert, gpt2 = networks(words.get_vocab_size(), pieces.get_vocab_size())
    memory = torch.randn(SLOTS, CODE)
    train(bert, gpt2, words, pieces)
    save_checkpoint(out / "tiny.ckpt", bert, gpt2, memory)
    bert, gpt2, memory = bert.double(), gpt2.double(), memory.double()
    with torch.no_grad():
        codes = torch.stack([encode(bert, words, text) for text in SENTENCES])
        keys = torch.stack([encode(bert, words, text) for text in QUESTIONS])
        weights = codes @ torch.linalg.pinv(memory)
        exact = torch.linalg.pinv(weights) @ codes
        steps = pseudo_inverse_steps(codes @ pseudo_inverse_steps(memory, STEPS), STEPS) @ codes
        reads = keys @ torch.linalg.pinv(memory) @ exact
        own = keys @ torch.linalg.pinv(exact) @ exact
        by_steps = keys @ pseudo_inverse_steps(memory, STEPS) @ steps
        bos, eos = pieces.token_to_id("<BOS>"), pieces.token_to_id("<EOS>")
        prompt = [bos] + pieces.encode(SENTENCES[2]).ids[:10]
        logits = torch.stack([logits_of(gpt2, z, prompt) for z in reads])
        tokens = [greedy(gpt2, z, bos, eos) for z in reads]
    print("condition numbers: weights", torch.linalg.cond(weights).item(), "memory", torch.linalg.cond(memory).item())
    values = {"codes": codes, "keys": keys, "memory_exact": exact, "memory_steps": steps, "z_key_memory": reads, "z_memory": own,
              "z_steps": by_steps, "logits": logits.flatten(0, 1)}
    save_file({name: value.float().contiguous() for name, value in values.items()}, out / "golden.safetensors")
    record = {"seed": SEED, "torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
              "sentences": SENTENCES, "questions": QUESTIONS, "prompt": prompt, "greedy": tokens,
              "texts": [pieces.decode(row) for row in tokens], "steps": STEPS}
    (out / "golden.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
