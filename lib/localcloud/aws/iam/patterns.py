"""Wildcards in policies: `*` is any text, also an empty one; `?` is one character.

After "IAM JSON policy elements: Resource" and "Amazon Resource Name (ARN) condition operators" of
the IAM user guide. In a resource, `*` also matches colons.
"""

import functools
import re

_SPECIAL = re.compile(r"\$\{([*?$])\}|([*?])")
_VARIABLE = re.compile(r"\$\{(?![*?$]\})")


@functools.lru_cache(maxsize=4096)
def wildcard(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """A compiled pattern; `${*}`, `${?}` and `${$}` stand for these characters themselves."""
    parts, end = [], 0
    for match in _SPECIAL.finditer(pattern):
        parts.append(re.escape(pattern[end : match.start()]))
        literal, special = match.groups()
        parts.append(re.escape(literal) if literal else ".*" if special == "*" else ".")
        end = match.end()
    parts.append(re.escape(pattern[end:]))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def has_variable(pattern: str) -> bool:
    """Whether it holds a policy variable such as `${aws:username}`, which is not modelled."""
    return _VARIABLE.search(pattern) is not None


def arn_fits(pattern: str, arn: str) -> bool:
    """Compares the six parts of two ARNs one by one, as the Arn operators do."""
    theirs, ours = pattern.split(":", 5), arn.split(":", 5)
    return len(theirs) == len(ours) == 6 and all(
        wildcard(one).fullmatch(other) for one, other in zip(theirs, ours, strict=True)
    )
