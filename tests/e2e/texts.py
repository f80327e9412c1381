"""Texts for contexts, generated, so that every line and byte of them is known."""
import random

PASSKEY = "The pass key of the red door is 48213. Remember it well."
PEOPLE = ["The miller", "My sister", "An old sailor", "The teacher", "Our neighbour", "The young doctor", "The gardener", "A merchant"]
DEEDS = ["walked to the market", "wrote a long letter", "waited at the bridge", "sold two horses", "repaired the roof",
         "counted the apples", "looked for the lost dog", "closed the shutters", "lit a small fire", "sang in the church"]
TIMES = ["before the rain came", "on a cold morning", "after the war had ended", "when nobody was at home", "late in the evening",
         "while the children slept", "without saying a word", "as the bells were ringing"]


def sentences(count: int, seed: int) -> list[str]:
    source = random.Random(seed)
    return [f"{source.choice(PEOPLE)} {source.choice(DEEDS)} {source.choice(TIMES)}." for _ in range(count)]


def story(count: int, seed: int, planted: dict[int, str] | None = None) -> str:
    """`count` sentences, four to a paragraph; `planted` maps positions to sentences that stand there in addition."""
    parts = []
    for at, sentence in enumerate(sentences(count, seed)):
        if planted and at in planted:
            parts.append(planted[at])
        parts.append(sentence)
    paragraphs = [" ".join(parts[i:i + 4]) for i in range(0, len(parts), 4)]
    return "\n\n".join(paragraphs) + "\n"
