"""From MODULE:APP to the App: what is said when it cannot be."""

from pathlib import Path

import pytest

from milepost.loading import AppNotLoaded, Trouble, load_app


def refused(target: str, here: Path) -> AppNotLoaded:
    with pytest.raises(AppNotLoaded) as raised:
        load_app(target, here)
    return raised.value


def test_an_app_is_loaded_from_the_directory(here: Path) -> None:
    assert load_app("shop:app", here).name == "shop"


def test_an_app_may_stand_deeper(here: Path) -> None:
    (here / "deep").mkdir()
    (here / "deep" / "__init__.py").write_text("", encoding="utf-8")
    (here / "deep" / "inner.py").write_text("from milepost import App\nclass Box:\n    app = App('boxed')\n", encoding="utf-8")
    assert load_app("deep.inner:Box.app", here).name == "boxed"


def test_a_package_may_name_its_app_for_the_module_that_makes_it(here: Path) -> None:
    (here / "store").mkdir()
    (here / "store" / "__init__.py").write_text("", encoding="utf-8")
    (here / "store" / "app.py").write_text("from milepost import App\napp = App('store')\n", encoding="utf-8")
    assert load_app("store:app", here).name == "store"
    assert load_app("store:app", here).name == "store"  # by now the module is an attribute of the package
    assert load_app("store.app:app", here).name == "store"
    assert refused("store:ap", here).trouble is Trouble.NO_ATTRIBUTE


@pytest.mark.parametrize(
    ("target", "trouble", "message", "hint"),
    [
        ("shop", Trouble.TARGET, "does not say where the app is", "write shop:app"),
        ("./shop.py", Trouble.TARGET, "does not say where", "write shop:app"),
        ("1:2", Trouble.TARGET, "does not say where", "write module:app"),
        ("shpo:app", Trouble.NO_MODULE, "there is no module 'shpo'", "did you mean shop?"),
        ("shop.inner:app", Trouble.NO_MODULE, "there is no module 'shop.inner'", "shop"),
        ("shop:ap", Trouble.NO_ATTRIBUTE, "module 'shop' has no 'ap'", "there is shop:app"),
        ("shop:fulfil_order", Trouble.NOT_AN_APP, "is a DefFunction, not an App", "there is shop:app"),
    ],
)
def test_what_is_not_an_app(here: Path, target: str, trouble: Trouble, message: str, hint: str) -> None:
    error = refused(target, here)
    assert error.trouble is trouble
    assert message in str(error)
    assert hint in error.hint


def test_a_module_that_raises_is_shown_by_its_own_traceback(here: Path) -> None:
    (here / "outer.py").write_text("import inner_broken\n", encoding="utf-8")
    (here / "inner_broken.py").write_text("from milepost import App\napp = App('bad name!')\n", encoding="utf-8")
    error = refused("outer:app", here)
    assert error.trouble is Trouble.RAISED
    frames = [line for line in error.trace.splitlines() if line.startswith('  File "')]
    assert [Path(line.split('"')[1]).name for line in frames] == ["outer.py", "inner_broken.py"]
    assert "DefinitionError" in error.trace


def test_a_module_that_lacks_another_one_is_its_own_fault(here: Path) -> None:
    (here / "needy.py").write_text("import not_installed_anywhere\n", encoding="utf-8")
    error = refused("needy:app", here)
    assert error.trouble is Trouble.RAISED
    assert "No module named 'not_installed_anywhere'" in str(error)


@pytest.mark.parametrize("text", ["def broken(:\n", "raise SystemExit('no')", "1 / 0"])
def test_whatever_a_module_raises_is_said(here: Path, text: str) -> None:
    (here / "broken.py").write_text(text, encoding="utf-8")
    error = refused("broken:app", here)
    assert error.trouble is Trouble.RAISED
    assert "broken.py" in error.trace
