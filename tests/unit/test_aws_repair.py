"""A repair that does not fit the installed moto is refused when it is imported."""

import moto
import pytest

from localcloud.aws.repair import MotoChangedError, repair, require_moto


class Backend:
    def put(self, key: str, value: str) -> str:
        return f"{key}={value}"

    @staticmethod
    def name(text: str) -> str:
        return text


def test_a_repair_replaces_and_keeps_the_stock_function() -> None:
    class Patched(Backend):
        pass

    @repair(Patched, "put")
    def put(self: Patched, key: str, value: str) -> str:
        return put.stock(self, key, value.upper())  # type: ignore[attr-defined,no-any-return]

    @repair(Patched, "name")
    def name(text: str) -> str:
        return f"<{text}>"

    assert Patched().put("a", "b") == "a=B"
    assert Patched().name("x") == "<x>"
    assert Backend().put("a", "b") == "a=b"


def test_a_missing_function_is_refused() -> None:
    with pytest.raises(MotoChangedError, match="no drop"):

        @repair(Backend, "drop")
        def drop(self: Backend) -> None: ...


def test_other_parameters_are_refused() -> None:
    with pytest.raises(MotoChangedError, match="put takes"):

        @repair(Backend, "put")
        def put(self: Backend, key: str) -> None: ...

    assert Backend().put("a", "b") == "a=b"


def test_another_moto_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require_moto()
    monkeypatch.setattr(moto, "__version__", "5.2.6")
    with pytest.raises(MotoChangedError, match=r"5\.2\.6 is installed"):
        require_moto()
