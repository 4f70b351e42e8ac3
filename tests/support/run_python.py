"""Run the Python of a page, block by block: each line must run, or the block must end by itself.

Reads a JSON list of blocks from stdin. Blocks of a page share their names; ``engine`` is there, and
what belongs to an event loop may stand outside of a function. A block that would go on for ever is
ended once all its lines have run.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import sys
from types import CodeType, FrameType
from typing import Any

import lobtail
import lobtail.docker
import lobtail.errors


class AllRanError(BaseException):
    """Every line has run."""


def lines_of(code: CodeType) -> set[int]:
    """Return the lines on which anything happens, those of functions in it as well."""
    own = {line for _, _, line in code.co_lines() if line}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            own |= lines_of(constant)
    return own


def run(text: str, name: str, names: dict[str, Any]) -> None:
    code = compile(text, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    left = lines_of(code)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != name:
            return None
        if event == "line":
            left.discard(frame.f_lineno)
            if not left:
                raise AllRanError
        return trace

    sys.settrace(trace)
    try:
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(run_in_loop(code, names))
        else:
            if names["Engine"] is not lobtail.Engine and "engine" not in names:
                names["engine"] = names["Engine"]()
            exec(code, names)
    except AllRanError:
        pass
    finally:
        sys.settrace(None)


async def run_in_loop(code: CodeType, names: dict[str, Any]) -> None:
    async with lobtail.Engine() as engine:
        await eval(code, {**names, "engine": engine})


def main() -> None:
    names: dict[str, Any] = {
        name: getattr(module, name)
        for module in (lobtail.errors, lobtail.docker, lobtail)
        for name in module.__all__
    }
    names |= {"__name__": "__main__", "lobtail": lobtail, "asyncio": asyncio, "sys": sys}
    for number, text in enumerate(json.load(sys.stdin), 1):
        run(text, f"<block {number}>", names)


main()
