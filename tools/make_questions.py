#!/usr/bin/env python3
"""Questions about sentences of a text, with answers that stand in them, made by rules.

    make_questions.py --tokenizer models/larimar-compact/tokenizer.json --data TRAIN --out questions.jsonl [--count 6000] [--seed 1]

`larimar train --codes-of FOLDER --questions FILE` teaches a language model to answer them out of codes. Each line of FILE is an object with text, question and
answer. Sentences of 12 to 50 pieces of the tokenizer are drawn from all texts of TRAIN (*.txt, *.txt.zst), and of each one question is made, equally many of each
kind: what something is or was, who did something or what was done, a year, a number, a name. The answer is the sentence, or the part of a long one that
holds what was asked for: answers of a word or two teach a small model to stop before it has said what matters. Needs tokenizers; zstd for *.zst. FILE appears
complete or not at all. Exit codes: 0 done, 1 no sentence gave a question.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys

NAME = r"[A-Z][a-z]+(?: [A-Z][a-z]+)+\b"
SUBJECT = rf"(?:{NAME}|(?:The|A|An|His|Her|Its|Their|This|That) [a-z]+(?: (?!is|was|are|were|which|that|who)[a-z]+)?)"
ASKED = {"year": ["Which year is it about?", "When was that?", "In which year?", "What year is named?"],
         "name": ["Who is mentioned?", "Which name is given?", "Who is it about?", "Whose name stands there?"]}


def lower_first(words):
    return words if re.match(NAME, words) else words[0].lower() + words[1:]


def what_it_is(sentence, _):
    found = re.match(rf"({SUBJECT}) (is|was|are|were) ((?:a|an|the|one|not|used|called|known|made|based) [^,;:()]+)", sentence)
    if found and len(found[3].split()) <= 12:
        who = "Who" if re.fullmatch(NAME, found[1]) and " who " in sentence else "What"
        yield f"{who} {found[2]} {lower_first(found[1])}?", found[3].rstrip(". ")


def who_did_it(sentence, draw):
    found = re.match(rf"({SUBJECT}) ([a-z]+ed|made|took|gave|found|wrote|built|left|won|held|became|said|went|saw|told|sent|began) ((?:[^,;:()]+))", sentence)
    if found and 2 <= len(found[3].split()) <= 12:
        rest = found[3].rstrip(". ")
        if draw.random() < 0.5:
            yield f"What did {lower_first(found[1])} do?", f"{found[2]} {rest}"
        else:
            yield f"Who or what {found[2]} {rest}?", found[1]


def which_year(sentence, draw):
    years = re.findall(r"\b(1[0-9]{3}|20[0-2][0-9])\b", sentence)
    if len(set(years)) == 1:
        yield draw.choice(ASKED["year"]), years[0]


def how_many(sentence, _):
    found = re.findall(r"\b([0-9]{1,3}(?:,[0-9]{3})*|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|hundred) ([a-z]{3,}s)\b", sentence)
    if len(found) == 1:
        yield f"How many {found[0][1]}?", found[0][0]


def which_name(sentence, draw):
    names = re.findall(NAME, sentence)
    if len(names) == 1 and not names[0].startswith(("The ", "In ", "On ", "At ", "But ", "And ")):
        yield draw.choice(ASKED["name"]), names[0]


MOST_WORDS = 18  # of an answer; larimar's end after 32 tokens
RULES = (what_it_is, who_did_it, which_year, how_many, which_name)


def paragraphs(folder):
    for path in sorted(folder.iterdir()):
        if path.name.endswith(".txt.zst"):
            text = subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout.decode("utf-8")
        elif path.name.endswith(".txt"):
            text = path.read_text(encoding="utf-8")
        else:
            continue
        yield from (line for line in text.split("\n") if len(line) > 60)


def said(sentence, short):
    """The least of the sentence that says it whole."""
    whole = sentence.rstrip(". ")
    parts = [part.strip() for part in re.split(r"[;:()]|, (?:and|but|which|who|while|where) ", whole) if short in part]
    for words in (whole, *parts):
        if len(words.split()) <= MOST_WORDS:
            return words
    return short


def question_of(sentence, draw, made, most):
    """Of the first kind that fits, in a drawn order, and of which there are not enough yet."""
    for rule in draw.sample(RULES, len(RULES)):
        for question, answer in rule(sentence, draw):
            if made[rule] < most:
                made[rule] += 1
                return {"text": sentence, "question": question, "answer": said(sentence, answer) + "."}
    return None


def main():
    import tokenizers  # the rules work without it

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tokenizer = tokenizers.Tokenizer.from_file(str(options.tokenizer))
    draw = random.Random(options.seed)
    lines = list(paragraphs(options.data))
    draw.shuffle(lines)
    questions, made = [], collections.Counter()
    for line in lines:
        parts = [part.strip().rstrip(".") + "." for part in line.split(". ")]
        sentence = draw.choice(parts)
        one = question_of(sentence, draw, made, -(-options.count // len(RULES))) if sentence[0].isupper() and 12 <= len(tokenizer.encode(sentence).ids) <= 50 else None
        if one:
            questions.append(one)
        if len(questions) == options.count:
            break
    if not questions:
        print(f"make_questions.py: no sentence of {options.data} gave a question", file=sys.stderr)
        return 1
    temporary = options.out.with_name(options.out.name + ".part")
    temporary.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in questions), encoding="utf-8")
    os.replace(temporary, options.out)
    print(f"{len(questions)} questions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
