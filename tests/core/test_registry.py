"""Names: families, variants, bare variants, near misses, and other packages' entry points."""

import sys
from types import ModuleType

import pytest

from graphlab.core.errors import InputError, UnknownNameError
from graphlab.core.registry import ClassRegistry, PluginError, Registry


@pytest.fixture
def registry(tmp_path, monkeypatch):
    package = tmp_path / "colours"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "warm_tones.py").write_text("VARIANTS = ('red', 'orange')")
    (package / "cold.py").write_text("VARIANTS = ('blue', 'orange')")
    (package / "grey.py").write_text("VARIANTS = ()")
    (package / "_private.py").write_text("raise RuntimeError")
    (tmp_path / "broken_plugin.py").write_text("import no_such_module_anywhere")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("colour", "colours", "test.colours", lambda m: m.VARIANTS)
    for name in [m for m in sys.modules if m == "colours" or m.startswith("colours.")]:
        del sys.modules[name]


def offer(monkeypatch, name, value):
    """Pretend that an installed package has this entry point."""

    class Entry:
        dist = None

        def __init__(self):
            self.name, self.value = name, value

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry()])


def test_names_list_every_variant_and_import_nothing_private(registry):
    assert registry.names() == ["cold/blue", "cold/orange", "grey", "warm-tones/red", "warm-tones/orange"]


def test_families_are_found_without_importing_them(registry):
    assert list(registry.families) == ["cold", "grey", "warm-tones"]
    assert "colours.cold" not in sys.modules


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("grey", "grey"),
        ("cold/blue", "cold/blue"),
        ("COLD/Blue", "cold/blue"),
        ("blue", "cold/blue"),
        ("warm_tones/red", "warm-tones/red"),
    ],
)
def test_resolve(registry, name, full):
    found = registry.resolve(name)
    assert found.name == full
    assert isinstance(found.module, ModuleType)


@pytest.mark.parametrize("asked", ["odd_tones/Dark_Red", "odd-tones/dark-red", "dark_red"])
def test_names_of_other_packages_are_found_however_they_are_spelt(registry, tmp_path, monkeypatch, asked):
    (tmp_path / "odd_tones.py").write_text("VARIANTS = ('Dark_Red',)")
    offer(monkeypatch, "Odd_Tones", "odd_tones")
    assert registry.resolve(asked).name == "odd-tones/Dark_Red"


def test_a_variant_of_two_families_is_ambiguous(registry):
    with pytest.raises(InputError, match="could be any of cold/orange, warm-tones/orange"):
        registry.resolve("orange")


def test_a_family_with_variants_needs_one(registry):
    with pytest.raises(InputError) as caught:
        registry.resolve("cold")
    assert caught.value.hint == "choose one of cold/blue, cold/orange"


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("gray", "grey"), ("cold/blu", "cold/blue"), ("bleu", "blue"), ("Warm-tones/rad", "warm-tones/red")],
)
def test_near_misses_are_named(registry, wrong, meant):
    with pytest.raises(UnknownNameError) as caught:
        registry.resolve(wrong)
    assert repr(meant) in caught.value.hint


def test_entry_points_add_families(registry, monkeypatch, tmp_path):
    (tmp_path / "their_module.py").write_text("VARIANTS = ()")
    offer(monkeypatch, "theirs", "their_module")
    assert registry.resolve("theirs").module.__name__ == "their_module"


def test_a_plugin_that_cannot_be_imported_is_named(registry, monkeypatch):
    offer(monkeypatch, "theirs", "broken_plugin")
    with pytest.raises(PluginError, match="'theirs' cannot be loaded from broken_plugin: No module named"):
        registry.resolve("theirs")


def test_two_modules_of_one_name_clash(registry, monkeypatch):
    offer(monkeypatch, "cold", "their_module")
    with pytest.raises(PluginError, match=r"defined twice: colours\.cold and their_module"):
        registry.resolve("cold")


class Shape:
    pass


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    package = tmp_path / "shapes"
    package.mkdir()
    (package / "__init__.py").touch()
    head = f"from {Shape.__module__} import Shape\n"
    (package / "square.py").write_text(f"{head}class _Base(Shape): pass\nclass Square(_Base): pass\n")
    (package / "two.py").write_text(f"{head}class One(Shape): pass\nclass Other(Shape): pass\n")
    (package / "none.py").write_text(head)
    monkeypatch.syspath_prepend(tmp_path)
    yield ClassRegistry("shape", "shapes", "test.shapes", Shape)
    for name in [m for m in sys.modules if m == "shapes" or m.startswith("shapes.")]:
        del sys.modules[name]


def test_a_class_is_found_by_the_name_of_its_module(shapes):
    assert shapes.find("Square").__name__ == "Square"
    with pytest.raises(UnknownNameError, match="squire"):
        shapes.find("squire")


@pytest.mark.parametrize(("name", "defined"), [("two", "One, Other"), ("none", "none")])
def test_a_module_of_no_class_or_of_several_is_refused(shapes, name, defined):
    with pytest.raises(PluginError, match=f"defines {defined}"):
        shapes.find(name)
