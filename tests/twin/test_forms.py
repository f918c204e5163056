"""The same numbers, bit for bit, in every form and width of a kernel."""

from dataclasses import replace

import numpy as np
import pytest
from numba.core import event

from tests.plants import one, shipped
from twin.catalogue import find
from twin.ensemble import Ensemble, compile_plant
from twin.plant import Plant


def states(plant, members, spread, **options):
    ensemble = Ensemble(plant, members, compile_plant(plant, members, **options))
    path = ensemble.layout.states[0]
    ensemble.set(path, ensemble.get(path)[0] * (1.0 + spread))
    ensemble.advance(3.0)
    return ensemble.member_state()


@pytest.mark.parametrize("method", ["rk4", "dp5", "rodas4"])
def test_a_member_has_the_same_bits_alone_and_in_any_block(method):
    plant = one("oscillator", method, 1e-2)
    spread = np.linspace(-0.2, 0.0, 20)
    z, c = states(plant, 20, spread, width=16)
    for member in (0, 7, 19):
        z1, c1 = states(plant, 1, spread[member : member + 1], width=1)
        assert np.array_equal(z[:, member], z1[:, 0])
        assert np.array_equal(c[:, member], c1[:, 0])


@pytest.mark.parametrize("method", ["rk4", "dp5", "rodas4"])
@pytest.mark.parametrize("members", [1, 5])
def test_class_kernels_and_the_flattened_module_give_the_same_bits(method, members):
    plant = shipped("two_tanks")
    plant = replace(plant, solver=plant.solver._replace(method=method, step=0.1))
    spread = np.linspace(0.0, 0.3, members)
    families = states(plant, members, spread, form="families")
    flat = states(plant, members, spread, form="flat")
    for a, b in zip(families, flat, strict=True):
        assert np.array_equal(a, b)


def test_a_second_plant_of_known_equipment_compiles_nothing():
    known = shipped("two_tanks")
    Ensemble(known).advance(1.0)
    tank = known.assets["lower"]
    other = Plant(
        "other", {"a": tank, "b": tank, "c": tank}, {"b.flow_in": ("a.drain", "c.drain")}, solver=known.solver
    )
    compiled = []

    class Listener(event.Listener):
        def on_start(self, event):
            compiled.append(event.data)

        def on_end(self, event):
            pass

    with event.install_listener("numba:compile", Listener()):
        Ensemble(other).advance(1.0)
    assert compiled == []


def test_output_functions_may_be_called_rates_and_guards(tmp_path):
    (tmp_path / "oddly_named.py").write_text(
        '"""Functions named like a kernel\'s roles."""\n'
        "from twin.declare import Asset, Output, State, physics\n\n"
        'class OddlyNamed(Asset):\n    """Valid always."""\n'
        '    x = State("1", "state", 1.0)\n    a = Output("1", "one")\n    b = Output("1", "two")\n'
        "    @physics\n    def rates(x):\n        a = 2.0 * x\n        return a\n"
        "    @physics\n    def guards(x):\n        b = 3.0 * x\n        return b\n"
        "    @physics\n    def change(a, b):\n        d_x = a - b\n        return d_x\n"
    )
    ensemble = Ensemble(Plant("odd", {"it": find("oddly_named", tmp_path)}), form="families")
    ensemble.advance(1.0)
    assert ensemble.get("it.x")[0] == pytest.approx(np.exp(-1.0), rel=1e-12)
