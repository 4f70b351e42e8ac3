"""Images: pulled from a registry on loopback, looked at, tagged, removed."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator

import pytest

from lobtail import ConfigError, Engine, EngineError, LobtailError
from lobtail.docker import Credentials, PullProgress
from lobtail.errors import EngineStreamError
from support.engines import IMAGE, TestEngine
from support.registry import Registry


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


def use(engine: TestEngine, scenario: Callable[[Engine], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Engine(engine.host, timeout=20) as client:
            await scenario(client)

    asyncio.run(main())


def test_from_pull_to_removal(any_engine: TestEngine, registry: Registry) -> None:
    name = f"{registry.host}/image"
    podman = any_engine.suite == "podman"

    async def scenario(engine: Engine) -> None:
        steps: list[PullProgress] = [step async for step in engine.images.pull(f"{name}:1")]
        assert steps
        if not podman:  # which tells no bytes
            layers = {step.id for step in steps if step.status == "Pulling fs layer"}
            assert len(layers) == 1
            counted = [step for step in steps if step.current is not None]
            assert counted
            assert {step.id for step in counted} == layers
            assert all(0 < (step.current or 0) <= (step.total or 0) for step in counted)
            assert any("Downloaded newer image" in step.status for step in steps)

        found = await engine.images.inspect(f"{name}:1")
        assert found.config.labels == {"tag": "1"}
        assert found.config.cmd == ["/hello"]
        assert (found.os, found.architecture) == ("linux", "amd64")
        assert len(found.root_fs.layers or ()) == 1
        assert (
            await engine.images.inspect_raw(f"{name}:1")
            == json.loads(any_engine.docker("image", "inspect", f"{name}:1"))[0]
        )
        [entry] = await engine.images.history(f"{name}:1")
        assert entry.created_by == "make 1"
        assert entry.size > 100_000

        [listed] = await engine.images.list(filters={"reference": f"{name}:*"})
        assert listed.tags == [f"{name}:1"]
        assert listed.id == found.id

        other = f"t{uuid.uuid4().hex[:10]}"
        await engine.images.tag(f"{name}:1", f"{other}:2")
        assert (await engine.images.inspect(f"{other}:2")).id == found.id
        await engine.images.tag(found.id, other)
        assert (await engine.images.inspect(other)).id == found.id
        for reference in (f"{other}:2", other):
            [step] = await engine.images.remove(reference)
            assert reference in step.untagged
        removed = await engine.images.remove(f"{name}:1")
        assert any(step.untagged for step in removed)
        assert any(step.deleted for step in removed)
        with pytest.raises(EngineError) as caught:
            await engine.images.inspect(f"{name}:1")
        assert caught.value.status == 404

    use(any_engine, scenario)


def test_by_digest_and_without_watching(any_engine: TestEngine, registry: Registry) -> None:
    digest = next(key for key in registry.manifests if key.startswith("sha256:"))
    reference = f"{registry.host}/image@{digest}"

    async def scenario(engine: Engine) -> None:
        await engine.images.pull(reference).wait()
        assert (await engine.images.inspect(reference)).config.labels == {"tag": "1"}
        await engine.images.remove(reference)

    use(any_engine, scenario)


def test_what_goes_wrong_is_raised(any_engine: TestEngine, registry: Registry) -> None:
    async def scenario(engine: Engine) -> None:
        # Podman says all its errors inside the stream.
        with pytest.raises((EngineError, EngineStreamError), match=r"(?i)not found|unknown"):
            await engine.images.pull(f"{registry.host}/image:nope").wait()
        with pytest.raises((EngineError, EngineStreamError), match=r"127\.0\.0\.1:1"):
            await engine.images.pull("127.0.0.1:1/x").wait()
        with pytest.raises(EngineStreamError) as caught:
            await engine.images.pull(f"{registry.host}/image:broken").wait()
        assert "\n" not in str(caught.value)

    use(any_engine, scenario)


def test_a_registry_that_wants_a_password(any_engine: TestEngine) -> None:
    async def scenario(engine: Engine) -> None:
        with Registry(password="geheim") as registry:
            name = f"{registry.host}/image:1"
            with pytest.raises((EngineError, EngineStreamError)):
                await engine.images.pull(name).wait()
            wrong = Credentials(username="user", password="no")
            with pytest.raises((EngineError, EngineStreamError)):
                await engine.images.pull(name, auth=wrong).wait()
            right = Credentials(username="user", password="geheim")
            assert "geheim" not in repr(right)
            await engine.images.pull(name, auth=right).wait()
            await engine.images.remove(name)

    use(any_engine, scenario)


def test_refusals(any_engine: TestEngine) -> None:
    name = any_engine.start("sleep 1000")

    async def scenario(engine: Engine) -> None:
        calls = (
            engine.images.inspect("nope:1"),
            engine.images.inspect("a//b"),
            engine.images.inspect_raw("../containers/json"),
            engine.images.history("nope"),
            engine.images.tag("nope", "other"),
            engine.images.remove("nope"),
        )
        for call in calls:
            with pytest.raises(EngineError) as caught:
                await call
            assert caught.value.status == 404, call
        image = (await engine.containers.inspect(name)).image
        with pytest.raises(EngineError) as caught:
            await engine.images.remove(image)
        assert caught.value.status == 409
        await engine.containers.remove(name, force=True)
        assert not (await engine.images.prune(filters={"label": "nobody-has-this"})).deleted

    use(any_engine, scenario)


def test_pruning_with_all(any_engine: TestEngine, registry: Registry) -> None:
    name = f"{registry.host}/image:2"

    async def scenario(engine: Engine) -> None:
        await engine.images.pull(name).wait()
        identifier = (await engine.images.inspect(name)).id
        only = {"label": "tag=2"}  # the image of the other tests has no such label
        if any_engine.suite == "podman":  # 4.3 cannot; docker's CLI meets the same
            with pytest.raises(EngineError, match="dangling"):
                await engine.images.prune(all=True, filters=only)
            await engine.images.remove(name)
            return
        await engine.images.prune(filters=only)
        assert (await engine.images.inspect(name)).id == identifier  # it has a name
        pruned = await engine.images.prune(all=True, filters=only)
        assert any(identifier.removeprefix("sha256:") in gone for gone in pruned.deleted or ())
        assert await engine.images.list(filters={"reference": IMAGE})

    use(any_engine, scenario)


@pytest.mark.parametrize(
    "call",
    [
        lambda images: images.pull(""),
        lambda images: images.pull(":1"),
        lambda images: images.pull("@sha256:0"),
        lambda images: images.pull("x:1", all_tags=True),
        lambda images: images.pull("x@sha256:0", all_tags=True),
    ],
)
def test_references_that_cannot_be_pulled(call: Callable[[object], object]) -> None:
    async def scenario() -> None:
        with pytest.raises(ConfigError):
            call(Engine("unix:///nowhere").images)

    asyncio.run(scenario())


def test_names_that_cannot_be_asked_for() -> None:
    async def scenario() -> None:
        async with Engine("unix:///nowhere", api_version="1.45") as engine:
            for call in (
                engine.images.inspect(""),
                engine.images.tag("x", "y@sha256:0"),
                engine.volumes.inspect(""),
                engine.networks.inspect(""),
            ):
                with pytest.raises(LobtailError, match=r"empty|digest"):
                    await call

    asyncio.run(scenario())
