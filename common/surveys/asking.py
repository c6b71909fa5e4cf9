"""Settings as they can be pasted back into a shell."""

import shlex


def setting(name: str, *pairs: str) -> str:
    """A flag with its value: `--scale 1-5`, `--columns 'Country=; Latino='`.

    Args:
        name: setting in lower case.
        pairs: the value, or "WORD=MEANING" for each word; one that has a comma gets a semicolon behind it.
    """
    value = "; ".join(pairs)
    if len(pairs) == 1 and "," in value and "=" in value:
        value += ";"
    if value.startswith("-"):
        return f"--{name}={value}"
    quoted = shlex.quote(value)
    return f"--{name} " + (f"'{quoted}'" if quoted == value and "=" in value else quoted)
