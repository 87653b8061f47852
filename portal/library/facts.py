"""What happens to resources."""

from portal.core.facts import Fact

RESOURCE_CREATED = Fact("resource.created")
RESOURCE_IMPORTED = Fact("resource.imported")
RESOURCE_CHANGED = Fact("resource.changed")
RESOURCE_PUBLISHED = Fact("resource.published")
RESOURCE_ARCHIVED = Fact("resource.archived")
RESOURCE_RESTORED = Fact("resource.restored")
