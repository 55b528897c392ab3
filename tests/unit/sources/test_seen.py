from millrace.sources.seen import identity, packed, unpacked


def test_a_record_is_known_by_its_key_alone():
    assert identity([7], {"id": 7, "x": 1}) == identity([7], {"id": 7, "x": 2})
    assert identity([7], {}) != identity(["7"], {})


def test_a_bare_value_is_not_the_record_that_has_it_as_key():
    assert identity([None], 7) != identity([7], {"id": 7})


def test_the_hash_of_a_key_stays_what_positions_hold():
    # `printf '[7]' | b2sum -l 64`; another hash would repeat every row.
    assert identity([7], None).hex() == "2fd45850d21b1198"
    assert identity(["2026-01-01", 7], None).hex() == "fd80e0790f50e152"


def test_hashes_survive_a_position():
    hashes = [identity([n], None) for n in range(3)]
    assert unpacked(packed(hashes)) == hashes
    assert unpacked("") == []
