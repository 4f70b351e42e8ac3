"""`lobtail config` shows what holds and where it comes from."""

from __future__ import annotations

from pathlib import Path

from faults.command import lobtail
from lobtail.cli.defaults import settable
from lobtail.cli.tail import command


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Return value and origin by setting."""
    lines = [line.split(maxsplit=1) for line in text.splitlines()[3:]]
    return {key: (rest.rsplit("  ", 1)[0].strip(), rest.rsplit(None, 1)[1]) for key, rest in lines}


def test_without_anything_set(tmp_path: Path) -> None:
    result = lobtail("ftp://nowhere", "config", env={"XDG_CONFIG_HOME": str(tmp_path)})
    text = result.stdout.decode()
    assert (result.stderr, result.code) == (b"", 0)
    assert text.startswith(f"File: {tmp_path}/lobtail/config.toml (there is none)\n\nSETTING ")
    found = rows(text)
    assert list(found) == list(settable(command))
    assert {origin for _, origin in found.values()} == {"default"}
    assert found["output"] == ("pretty", "default")
    assert found["follow"] == ("true", "default")
    assert found["grep"] == ("-", "default")


def test_where_settings_come_from(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[tail]\nfollow = false\noutput = "raw"\nexclude = ["a b", "c"]\nbefore = 2\n')
    env = {
        "LOBTAIL_CONFIG": str(path),
        "LOBTAIL_TAIL_OUTPUT": "json",
        "LOBTAIL_TAIL_GREP": "x\ny",
        "LOBTAIL_TAIL_TIMESTAMPS": "1",
    }
    result = lobtail("", "config", env=env)
    assert result.stdout.decode().startswith(f"File: {path}\n\n")
    found = rows(result.stdout.decode())
    assert found["follow"] == ("false", str(path))
    assert found["output"] == ("json", "LOBTAIL_TAIL_OUTPUT")
    assert found["exclude"] == ("a b, c", str(path))
    assert found["grep"] == ("x, y", "LOBTAIL_TAIL_GREP")
    assert found["timestamps"] == ("rfc3339", "LOBTAIL_TAIL_TIMESTAMPS")
    assert found["before"] == ("2", str(path))
    assert found["after"] == ("-", "default")


def test_a_broken_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[tail]\nfollw = true\n")
    result = lobtail("", "config", env={"LOBTAIL_CONFIG": str(path)})
    assert (result.stdout, result.code) == (b"", 2)
    assert result.stderr.decode() == (
        f"lobtail: {path}: [tail] has no 'follw'; did you mean follow?\n"
    )


def test_it_takes_no_arguments() -> None:
    result = lobtail("", "config", "tail")
    assert (result.stdout, result.code) == (b"", 2)
