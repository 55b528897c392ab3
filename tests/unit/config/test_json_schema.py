"""The JSON Schema agrees with the loader about what is right and wrong."""

from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from millrace.config.json_schema import json_schema


@pytest.fixture
def validator():
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def document(good):
    return YAML(typ="safe", pure=True).load(good)


def test_a_full_file_is_valid(validator, document):
    assert [error.message for error in validator.iter_errors(document)] == []


WRONG = {
    "section": (("modle",), {}),
    "nested key": (("model", "split", "tset"), 0.1),
    "source key": (("sources", "customers", "form"), "x"),
    "column type": (("sources", "customers", "columns", "TotalCharges", "type"), "numbr"),
    "metric": (("model", "metric"), "roc_acu"),
    "duration": (("model", "budget"), "5 mni"),
    "share": (("model", "split", "test"), "many"),
    "cleaning step": (("sources", "customers", "clean"), [{"trimm": "all"}]),
    "port": (("serve", "port"), 99999),
    "source name": (("sources", "../x"), {"from": "x"}),
    "version": (("version",), 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_loader_refuses_is_invalid(name, validator, document):
    (*parents, key), value = WRONG[name]
    wrong = deepcopy(document)
    section = wrong
    for parent in parents:
        section = section[parent]
    section[key] = value
    assert not validator.is_valid(wrong)


@pytest.mark.parametrize("value", ["5 min", "2 days", 60, "${BUDGET}"])
def test_durations_and_references_to_the_environment_are_valid(value, validator, document):
    document["model"]["budget"] = value
    assert validator.is_valid(document)


@pytest.mark.parametrize("value", [8080, "${PORT:-8080}"])
def test_a_number_may_come_from_the_environment(value, validator, document):
    document["serve"]["port"] = value
    assert validator.is_valid(document)


def test_every_key_of_the_top_says_what_it_is_for():
    properties = json_schema()["properties"]
    definitions = json_schema()["$defs"]
    for name, part in properties.items():
        reference = part.get("$ref", "").rsplit("/", 1)[-1]
        assert part.get("description") or definitions[reference]["description"], name
