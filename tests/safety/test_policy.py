"""Who sees alerts: one rule at a time, below the routes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal.core.access import binds
from portal.core.db.engines import OWNER, db
from portal.core.viewer import PrincipalKind, Viewer, system
from portal.safety import policy
from portal.safety.models import Alert
from tests.access.table import raised
from tests.cast import Cast

EVERYONE = {
    "therapist": {"client", "partner"},
    "co_therapist": {"client"},
    "colleague": {"stranger", "partner"},
    "other_owner": {"other_client"},
}


def _visible_alerts(cast: Cast, viewer: Viewer) -> set[str]:
    names = {cast.things[f"{name}.alert"]: name for name in ("client", "partner", "stranger", "other_client")}
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        return {names[row.id] for row in connection.execute(policy.visible_to(viewer), binds(viewer))}


def _raise_alerts(cast: Cast) -> None:
    for name in ("client", "stranger", "other_client"):
        cast.things[f"{name}.alert"] = raised(cast, name)


def test_therapists_see_exactly_the_alerts_of_their_care_or_cover(cast: Cast) -> None:
    _raise_alerts(cast)
    seen = {name: _visible_alerts(cast, actor.viewer) for name, actor in cast.everyone().items() if actor.id}
    assert {name: found for name, found in seen.items() if found} == EVERYONE


def test_the_policy_follows_the_viewers_capabilities(cast: Cast) -> None:
    _raise_alerts(cast)
    for therapist in (cast.therapist.viewer, cast.colleague.viewer):
        without = Viewer(therapist.id, therapist.practice_id, PrincipalKind.STAFF, owner=True, therapist=False)
        assert _visible_alerts(cast, without) == set()
    assert _visible_alerts(cast, system(cast.things["linden.practice"])) == set()


def test_only_the_care_link_an_alert_came_through_shows_what_it_is_about(cast: Cast) -> None:
    _raise_alerts(cast)
    own = {}
    for name in ("therapist", "co_therapist", "former_therapist", "colleague", "owner", "other_owner"):
        viewer = cast.everyone()[name].viewer
        with cast.app.app_context(), db.engines[OWNER].connect() as connection:
            found = connection.execute(select(Alert.id).join(policy.OwnLink, policy.through_own_care()), binds(viewer))
            own[name] = {row.id for row in found}
    alerts = cast.things
    assert own == {
        "therapist": {alerts["client.alert"], alerts["partner.alert"]},
        "co_therapist": set(),
        "former_therapist": set(),
        "colleague": {alerts["stranger.alert"]},
        "owner": set(),
        "other_owner": {alerts["other_client.alert"]},
    }


@pytest.mark.parametrize(
    ("name", "may"),
    [("therapist", True), ("other_owner", True), ("owner", False), ("client", False), ("integration", False)],
)
def test_alerts_are_for_therapists(cast: Cast, name: str, *, may: bool) -> None:
    assert policy.may_answer_alerts(cast.everyone()[name].viewer) is may
