"""Answers that reflect the prompt: the same request always gets the same helpful-sounding text."""

import hashlib
import re
from dataclasses import dataclass

_WORD = re.compile(r"[\w'’-]+")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_FILLERS = frozenset(
    _WORD.findall(
        "a about an and are as at be but by can could do does explain for from give have "
        "hello help hey hi how i idea ideas if in into is it its list make me my need of on "
        "or our please should show some summarize tell that the their them there these this "
        "to us use want was we what when where which who why will with would write you your"
    )
)
_MIRRORED = {"i": "you", "me": "you", "my": "your", "our": "your", "we": "you", "us": "you"}
_GREETING = re.compile(r"\s*(hi|hello|hey|good (morning|evening|afternoon))\b", re.IGNORECASE)
_INTENTS = (
    ("summary", re.compile(r"\b(summar|tl;?dr|shorten|condense)", re.IGNORECASE)),
    ("code", re.compile(r"\b(code|function|script|python|typescript|sql|regex)\b", re.IGNORECASE)),
    ("draft", re.compile(r"\b(write|draft|compose|rewrite|email|letter|post)\b", re.IGNORECASE)),
    (
        "ideas",
        re.compile(r"\b(list|ideas?|examples?|options?|suggest|names?|tips)\b", re.IGNORECASE),
    ),
)
_OPENINGS = (
    "Here is a practical way to approach “{topic}”.",
    "Good question. For “{topic}”, three things usually matter.",
    "Let me break “{topic}” down.",
)
_POINTS = (
    "**Start from the goal.** Write down what it should achieve and how you will know it did; "
    "one sentence and one number are enough.",
    "**Keep the first version small.** Pick the part that somebody needs this week, "
    "and leave the rest on a list.",
    "**Measure, then change.** Look at real use before you decide what to improve.",
    "**Make failure cheap.** Decide beforehand how to undo a step that went wrong.",
    "**Talk to two people.** Those who live with it every day know where it really hurts.",
)
_CLOSINGS = (
    "Tell me more about your situation and I can be more specific.",
    "If you share your constraints, I can turn this into a plan you can start on Monday.",
    "Would you like an example that shows this step by step?",
)


@dataclass(frozen=True)
class Turn:
    """What an answer depends on: the last user message, the one before it, the system text."""

    prompt: str
    earlier: str = ""
    system: str = ""


def compose(turn: Turn, model_id: str) -> str:
    """The answer of a model to a turn; it says at the end that it comes from a stand-in."""
    topic, words = _topic(turn.prompt)
    seed = hashlib.sha256(f"{model_id}\n{turn}".encode("utf-8", "replace")).digest()
    parts = []
    if turn.system.strip():
        parts.append(f"Keeping to my instructions (“{_shorten(turn.system, 80)}”):")
    if turn.earlier.strip():
        parts.append(f"Building on what you said about “{_topic(turn.earlier)[0]}”:")
    parts.append(_body(turn.prompt, topic, words, seed))
    parts.append(f"(Local Bedrock answered in place of {model_id}.)")
    return "\n\n".join(parts)


def _body(prompt: str, topic: str, words: list[str], seed: bytes) -> str:
    if _GREETING.match(prompt) and len(prompt) < 40:
        return (
            "Hello! What would you like to work on? I can explain, draft, list ideas or summarize."
        )
    intent = next((name for name, pattern in _INTENTS if pattern.search(prompt)), "explain")
    closing = _CLOSINGS[seed[1] % len(_CLOSINGS)]
    match intent:
        case "summary":
            text = _summary(prompt)
        case "code":
            text = _code(topic, words)
        case "draft":
            text = (
                f"Subject: {topic[:1].upper()}{topic[1:]}\n\nHello,\n\n"
                f"I am writing about “{topic}”. "
                "We have looked at it closely and would like to move forward this month. The next "
                "step is small: a thirty-minute call to agree on scope and dates.\n\nBest regards"
            )
        case "ideas":
            chosen = _points(seed, 5)
            lines = [f"{n}. {point}" for n, point in enumerate(chosen, start=1)]
            text = f"Some ideas for “{topic}”:\n\n" + "\n".join(lines)
        case _:
            opening = _OPENINGS[seed[0] % len(_OPENINGS)].format(topic=topic)
            text = "\n\n".join([opening, *(f"- {p}" for p in _points(seed, 3))])
    return f"{text}\n\n{closing}"


def _points(seed: bytes, number: int) -> list[str]:
    start = seed[2] % len(_POINTS)
    return [_POINTS[(start + step) % len(_POINTS)] for step in range(number)]


def _summary(prompt: str) -> str:
    sentences = [found.strip() for found in _SENTENCE.findall(prompt) if found.strip()]
    kept = sentences[1:4] or sentences[:1]
    return "In short:\n\n" + "\n".join(f"- {_shorten(sentence, 160)}" for sentence in kept)


def _code(topic: str, words: list[str]) -> str:
    name = "_".join(re.sub(r"\W", "", word.lower()) or "thing" for word in words[:2])
    return (
        f"Here is a small starting point for “{topic}”:\n\n```python\ndef {name}(items):\n"
        f'    """Handle {topic}, one item at a time."""\n'
        "    return [item for item in items if item is not None]\n```\n\n"
        "It keeps the input order, ignores missing values and is easy to test."
    )


def _topic(text: str) -> tuple[str, list[str]]:
    """A phrase that names what a text is about, and its leading words (never empty)."""
    sentence = next((found for found in _SENTENCE.findall(text) if found.strip()), text)
    words = sentence.strip().rstrip(".!?").split()
    while words and words[0].lower().strip(",") in _FILLERS:
        words.pop(0)
    phrase = " ".join(_MIRRORED.get(word.lower(), word) for word in words)
    telling = [word for word in _WORD.findall(phrase) if word.lower() not in _FILLERS]
    kept = [_shorten(word, 40) for word in list(dict.fromkeys(telling))[:4]] or ["this"]
    return _shorten(phrase, 60) or "this", kept


def _shorten(text: str, limit: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"
