"""What happens to resources."""

from portal.core.facts import Fact

RESOURCE_CREATED = Fact(
    "resource.created",
    subject="resource",
    when="A therapist created a resource.",
    details={"kind": "Its kind: reading, exercise or measure."},
)
RESOURCE_IMPORTED = Fact(
    "resource.imported",
    subject="resource",
    when="A therapist imported a resource from a file.",
    details={"degraded": "Whether some of the file could not be expressed here."},
)
RESOURCE_CHANGED = Fact("resource.changed", subject="resource", when="A therapist changed a resource's draft.")
RESOURCE_PUBLISHED = Fact(
    "resource.published",
    subject="resource",
    when="A resource's draft was published as a new version.",
    details={"number": "The number of the version, from 1."},
)
RESOURCE_ARCHIVED = Fact("resource.archived", subject="resource", when="A resource was archived.")
RESOURCE_RESTORED = Fact("resource.restored", subject="resource", when="An archived resource was restored.")
