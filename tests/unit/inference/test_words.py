from hypothesis import given
from hypothesis import strategies as st

from millrace.inference.words import plain_words


def test_case_and_punctuation_are_gone_and_letters_of_every_script_stay():
    assert plain_words("L'Été à Łódź — 東京: 3,5 %") == "l été à łódź 東京 3 5"


@given(st.text())
def test_words_stand_apart_by_exactly_one_space(text):
    plain = plain_words(text)
    assert plain == " ".join(plain.split())
