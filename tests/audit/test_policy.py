"""Who sees which openings of answers: a client, their own, once they have their place in the sequence."""

from __future__ import annotations

import pytest

from portal.audit import policy
from portal.core.access import binds
from portal.core.audit_log import sealing
from portal.core.db.engines import OWNER, db
from portal.core.viewer import PrincipalKind, Viewer, system
from tests.cast import Cast


def seen(cast: Cast, viewer: Viewer) -> list[str]:
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        return [row.fact for row in connection.execute(policy.visible_to(viewer), binds(viewer))]


def open_and_seal(cast: Cast) -> None:
    assert cast.therapist.get(f"/assignments/{cast.things['client.submitted']}/attempts/1").status_code == 200
    with cast.app.app_context():
        sealing.seal()


def test_a_client_sees_openings_of_their_own_answers_and_no_other_fact(cast: Cast) -> None:
    open_and_seal(cast)
    assert seen(cast, cast.client.viewer) == ["response.opened"]


@pytest.mark.parametrize(
    "name", ["partner", "former_client", "stranger", "other_client", "therapist", "owner", "colleague", "other_owner"]
)
def test_nobody_else_sees_them(cast: Cast, name: str) -> None:
    open_and_seal(cast)
    assert seen(cast, cast.everyone()[name].viewer) == []


def test_an_unsealed_event_is_visible_to_nobody(cast: Cast) -> None:
    cast.therapist.get(f"/assignments/{cast.things['client.submitted']}/attempts/1")
    assert seen(cast, cast.client.viewer) == []


def test_the_same_id_in_another_practice_sees_nothing(cast: Cast) -> None:
    open_and_seal(cast)
    assert seen(cast, Viewer(cast.client.id, cast.things["birch.practice"], PrincipalKind.CLIENT)) == []
    assert seen(cast, system(cast.things["linden.practice"])) == []
