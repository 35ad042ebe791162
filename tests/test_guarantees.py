"""The page of promises is taken from the markers, and the changelog is held to it."""

from textwrap import dedent

import pytest

from tests.guarantees import GROUPS, GUARANTEES, PAGE, Proof, faults, main, page, proofs

pytestmark = pytest.mark.once


@pytest.fixture
def found(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_orders.py").write_text(
        dedent(
            """
            pytestmark = [pytest.mark.django_db, pytest.mark.E1]

            @pytest.mark.O1
            class TestPlaceOrder:
                @pytest.mark.O2
                @pytest.mark.parametrize("x", [1])
                def test_twins(self): ...
            """
        )
    )
    return proofs(tmp_path / "tests")


class TestProofs:
    def test_a_function_a_class_and_a_module_can_carry_a_marker(self, found):
        path = "tests/test_orders.py"
        assert found["O2"] == [Proof(path, "TestPlaceOrder.test_twins")]
        assert found["O1"] == [Proof(path, "TestPlaceOrder")]
        assert found["E1"] == [Proof(path, "")]

    def test_a_promise_without_a_test_is_shown_as_such(self, found):
        assert "### A1\n\n" + GUARANTEES["A1"] + "\n\nNot yet.\n" in page(found)

    def test_each_promise_belongs_to_a_group(self):
        assert {marker[0] for marker in GUARANTEES} == set(GROUPS)


class TestCheck:
    def test_a_page_in_step_is_fine(self, found):
        assert faults(found, page(found), "- Twins make one order (O2).") == []

    def test_a_stale_page_is_not(self, found):
        assert "out of step" in faults(found, "", "")[0]

    def test_the_changelog_cannot_promise_what_nothing_proves(self, found):
        assert faults(found, page(found), "- Tokens (A1), orders (O1).") == [
            "CHANGELOG.md calls A1 done, and no test carries that marker."
        ]

    def test_writing_the_page_puts_it_in_step(self, found, tmp_path, monkeypatch):
        monkeypatch.setattr("tests.guarantees.proofs", lambda: found)
        monkeypatch.setattr("tests.guarantees.PAGE", tmp_path / PAGE.name)
        monkeypatch.setattr("tests.guarantees.CHANGELOG", tmp_path / "CHANGELOG.md")

        assert main(["--check"]) == 1
        assert main([]) == 0
        assert main(["--check"]) == 0
