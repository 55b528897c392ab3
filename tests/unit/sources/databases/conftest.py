"""A database of each kind."""

import pytest

from unit.sources.databases.servers import Server

KINDS = ("sqlite", "sqlite+pysqlite", "postgresql", "mariadb")


@pytest.fixture(params=KINDS)
def server(request, tmp_path):
    kind = request.param
    url = f"{kind}:///rows.db" if "sqlite" in kind else request.getfixturevalue(kind).url
    found = Server(kind, url, tmp_path)
    found.run("create table TABLE (id integer primary key, name varchar(40), x double precision, at varchar(30))")
    yield found
    found.close()
