"""What follows the average of the members: the graph gives what training computed, and what was worked out by hand."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

import trained
from millrace.errors import ParityError
from millrace.package import parity
from millrace.package.graph import build
from millrace.package.nodes import Nodes
from millrace.records.calibration import Calibration, Curve
from millrace.records.conformal import Conformal
from millrace.train.calling import Calling

RISING = Curve((0.1, 0.3, 0.31, 0.8), (0.02, 0.2, 0.55, 0.97))
LEVEL = Curve((0.4,), (0.3,))
COSTS = np.array([[0.0, 2.0, 1.0], [7.0, 0.0, 1.0], [1.0, 3.0, 0.5]])
MAPS = {
    "none": (None, None),
    "temperature": (Calibration("temperature", (0.6,)),) * 2,
    "sigmoid": (
        Calibration("sigmoid", (0.6,), (-0.4,)),
        Calibration("sigmoid", (0.6, 1.1, 2.0), (-0.4, 0.0, 0.3)),
    ),
    "isotonic": (Calibration("isotonic", curves=(RISING,)), Calibration("isotonic", curves=(RISING, LEVEL, RISING))),
}


@pytest.fixture(scope="module")
def fits():
    return {task: trained.fit(task) for task in trained.CLASSES}


@pytest.mark.parametrize("method", MAPS)
@pytest.mark.parametrize("costs", [False, True], ids=["no costs", "costs"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_graph_calibrates_and_calls_as_training_does(fits, task, method, costs):
    binary = task == "binary"
    calling = Calling(
        fits[task].signature,
        MAPS[method][0 if binary else 1],
        0.43 if binary else None,
        (COSTS[:2, :2] if binary else COSTS) if costs else None,
        Conformal(0.9, cuts=(0.2, 0.45) if binary else (0.2, 0.3, 0.5)),
    )
    fit = trained.with_calling(fits[task], calling)
    assert parity.prove(build(fit), fit).difference <= 1e-6
    found = parity.run(build(fit), fit.test_rows, fit.signature)
    assert set(found.label.tolist()) <= set(range(len(fit.signature.classes)))
    assert (found.costs is not None) is costs
    assert found.inside.any(axis=1).all()


@pytest.mark.parametrize("reach", [Curve((0.0, 300.0, 900.0), (10.0, 40.0, 20.0)), LEVEL], ids=["bent", "level"])
def test_the_graph_gives_the_intervals_of_training(fits, reach):
    calling = Calling(fits["regression"].signature, conformal=Conformal(0.9, reach=reach))
    fit = trained.with_calling(fits["regression"], calling)
    assert parity.prove(build(fit), fit).difference <= 1e-6
    found = parity.run(build(fit), fit.test_rows, fit.signature)
    assert (found.lower < found.value).all()
    assert (found.value < found.upper).all()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"calibration": Calibration("temperature", (1.2,))}, id="calibration"),
        pytest.param({"costs": ((0.0, 9.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0))}, id="costs"),
        pytest.param({"conformal": Conformal(0.9, cuts=(0.6, 0.6, 0.6))}, id="sets"),
    ],
)
def test_a_graph_that_does_another_thing_is_refused(fits, change):
    calling = Calling(fits["multiclass"].signature, None, None, COSTS, Conformal(0.9, cuts=(0.2, 0.3, 0.5)))
    fit = trained.with_calling(fits["multiclass"], calling)
    with pytest.raises(ParityError, match="differs from the trained model"):
        parity.prove(build(replace(fit, **change)), fit)


def test_a_curve_is_followed_and_level_beyond_its_ends():
    from onnx import TensorProto, helper

    from millrace.package.calls import followed

    nodes = Nodes()
    nodes.name(followed(nodes, RISING, "at"), "height")
    shape = ["rows", 1]
    model = nodes.model(
        [helper.make_tensor_value_info("at", TensorProto.DOUBLE, shape)],
        [helper.make_tensor_value_info("height", TensorProto.DOUBLE, shape)],
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (height,) = session.run(None, {"at": np.array([[0.0], [0.1], [0.2], [0.305], [0.8], [5.0]])})
    assert height.ravel() == pytest.approx([0.02, 0.02, 0.11, 0.375, 0.97, 0.97], abs=1e-12)
