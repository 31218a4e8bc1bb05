import pytest

from desk import Cluster, Desk, Sink


@pytest.fixture(scope="session")
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.stop("immediate")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request):
    return request.param


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def new_desk(tmp_path, engine, sink, request):
    """Makes desks that are not running yet."""
    made = []

    def make(**settings):
        folder = tmp_path / f"desk-{len(made)}"
        folder.mkdir()
        desk = Desk(folder, engine, request.getfixturevalue("cluster") if engine == "postgres" else None, sink, **settings)
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.stop()


@pytest.fixture
def desk(new_desk):
    return new_desk().start()


@pytest.fixture
def staffed(desk):
    """Ada and Ben answer, Sam supervises, Eve leads the team for what cannot wait."""
    desk.add_agent("ada@desk.example", "Ada Lind")
    desk.add_agent("ben@desk.example", "Ben Amari")
    desk.add_agent("sam@desk.example", "Sam Okafor", "supervisor")
    desk.add_agent("eve@desk.example", "Eve Moreau")
    desk.post("/teams", {"name": "Front line", "lead": "ben@desk.example", "members": ["ada@desk.example", "ben@desk.example"]})
    desk.post("/teams", {"name": "Second level", "lead": "eve@desk.example", "members": ["eve@desk.example"]})
    department = desk.get("/departments")["items"][0]
    desk.patch(f"/departments/{department['id']}", {"escalation_team": "Second level", "supervisor": "sam@desk.example"})
    return desk
